/** The call that replaces a mark: of an export of a module that exists only in the build. */
export interface ShimCall {
  /** The name of the module, for example `./unplugin-kms.pair.<fingerprint>`. */
  from: string
  export: string
  /** The arguments, JSON values. */
  args: unknown[]
}

/**
 * The import specifier of the shim in emitted code. Relative, so that `external` options for packages do
 * not match it. Resolves to a module that exists only in the build.
 */
export const SHIM = './unplugin-kms.shim'

/** The specifier of the shim for synchronous reads, in formats without top-level await. */
export const SYNC_SHIM = './unplugin-kms.sync'

/** The prefixes of the names of the modules of data key pairs. */
export const PAIR = './unplugin-kms.pair.'
export const BLOCKING_PAIR = './unplugin-kms.blocking.'

/** Returns the call that decrypts a secret synchronously. */
export function blockingCall(call: ShimCall): ShimCall {
  const { from, export: exported, args } = call
  if (from === SHIM) return { from: SYNC_SHIM, export: 'directSync', args }
  if (!from.startsWith(PAIR)) return call
  return { from: BLOCKING_PAIR + from.slice(PAIR.length), export: `${exported}Sync`, args }
}
