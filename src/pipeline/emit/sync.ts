import type { SyncForm } from '../target.js'
import { blockingOpening, type Opening } from './opening.js'

/** A property of `import.meta` that Rollup's plugin replaces when it renders a chunk, by its format. */
export const EITHER = 'UNPLUGIN_KMS_SYNC'

/** Returns what takes the place of that property. */
export const eitherCode = (format: string): string =>
  format === 'es' ? 'await ((wait) => wait())' : '((wait, block) => block())'

/** Returns the calls that a secret of unplugin-kms/secret/sync needs. */
export const syncOpenings = (opening: Opening, form: SyncForm): Opening[] => [
  ...(form === 'block' ? [] : [opening]),
  ...(form === 'await' ? [] : [blockingOpening(opening)]),
]

/**
 * Returns an expression: the values of secrets, in an array.
 *
 * @param call returns the code of an opening's call.
 */
export function syncValues(
  openings: Opening[],
  form: SyncForm,
  call: (opening: Opening) => string,
): string {
  const waiting = () => `Promise.all([${openings.map(call).join(', ')}])`
  const blocking = () => `[${openings.map((one) => call(blockingOpening(one))).join(', ')}]`
  if (form === 'await') return `await ${waiting()}`
  if (form === 'block') return blocking()
  return `import.meta.${EITHER}(() => ${waiting()}, () => ${blocking()})`
}
