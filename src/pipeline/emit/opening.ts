/** What a mark becomes: a call of an export of one of the build's own modules. */
export interface Opening {
  /** The module, `./unplugin-kms.pair.<fingerprint>` or another of the build's own. */
  from: string
  export: string
  /** The arguments, JSON values. */
  args: unknown[]
}

/**
 * The run-time code, as emitted code imports it. Relative, so that no `external` option that speaks
 * of packages takes it out of the bundle; it resolves to a module that exists only in the build.
 */
export const SHIM = './unplugin-kms.shim'

/** The run-time code of secrets that are read synchronously, where top-level await does not exist. */
export const SYNC_SHIM = './unplugin-kms.sync'

/** How the names of the modules of data key pairs begin. */
export const PAIR = './unplugin-kms.pair.'
export const BLOCKING_PAIR = './unplugin-kms.blocking.'

/** Returns the call that opens a secret and blocks until it is open. */
export function blockingOpening(opening: Opening): Opening {
  const { from, export: exported, args } = opening
  if (from === SHIM) return { from: SYNC_SHIM, export: 'directSync', args }
  if (!from.startsWith(PAIR)) return opening
  return { from: BLOCKING_PAIR + from.slice(PAIR.length), export: `${exported}Sync`, args }
}
