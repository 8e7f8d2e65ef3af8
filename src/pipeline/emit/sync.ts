import type { SyncForm } from '../target.js'
import { blockingCall, type ShimCall } from './shim-call.js'

/** A property of `import.meta` that Rollup's plugin replaces when it renders a chunk, by its format. */
export const EITHER = 'UNPLUGIN_KMS_SYNC'

/** Returns what takes the place of that property. */
export const eitherCode = (format: string): string =>
  format === 'es' ? 'await ((wait) => wait())' : '((wait, block) => block())'

/** Returns the calls that a secret of unplugin-kms/secret/sync needs. */
export const syncOpenings = (call: ShimCall, form: SyncForm): ShimCall[] => [
  ...(form === 'block' ? [] : [call]),
  ...(form === 'await' ? [] : [blockingCall(call)]),
]

/**
 * Returns an expression: the values of secrets, in an array.
 *
 * @param call returns the code of an call's call.
 */
export function syncValues(
  calls: ShimCall[],
  form: SyncForm,
  call: (call: ShimCall) => string,
): string {
  const waiting = () => `Promise.all([${calls.map(call).join(', ')}])`
  const blocking = () => `[${calls.map((one) => call(blockingCall(one))).join(', ')}]`
  if (form === 'await') return `await ${waiting()}`
  if (form === 'block') return blocking()
  return `import.meta.${EITHER}(() => ${waiting()}, () => ${blocking()})`
}
