import { type Mark, shown } from '../collect/mark.js'
import { plaintextOf } from './plaintext.js'
import { refuse } from './refuse.js'
import type { Sources } from './types.js'

/**
 * Returns the value that a function of the option `sources` returns.
 *
 * @throws KmsBuildError OPTIONS_INVALID, SOURCE_FAILED, SOURCE_NOT_FOUND, SOURCE_UNSUITABLE, and what
 *   `plaintextOf` throws.
 */
export async function fromOwnSource(mark: Mark, { remote: { own, fetching } }: Sources) {
  const { argument: name, detail: reference = '' } = mark
  const source = Object.hasOwn(own, name) ? own[name] : undefined
  if (!source) {
    const names = Object.keys(own).join(', ')
    return refuse(
      'OPTIONS_INVALID',
      `${shown(mark)}: the option sources has no ${name}${names && ` (it has ${names})`}. Add it: sources: { ${name}: (reference) => … }.`,
      mark,
    )
  }
  const fetch = () => fetching.bounded(async () => source(reference))
  const value: unknown = await fetching
    .once(JSON.stringify(['from', name, reference]), fetch)
    .catch((error: unknown) =>
      refuse(
        'SOURCE_FAILED',
        `${shown(mark)}: the source ${name} failed: ${reasonOf(error)}`,
        mark,
      ),
    )
  if (value === undefined || value === null) {
    return refuse(
      'SOURCE_NOT_FOUND',
      `${shown(mark)}: the source ${name} returned nothing for it. Check the reference, or add the secret there.`,
      mark,
    )
  }
  if (typeof value !== 'string' && !(value instanceof Uint8Array)) {
    return refuse(
      'SOURCE_UNSUITABLE',
      `${shown(mark)}: the source ${name} returned neither a string nor bytes (${typeof value}). Return objects as a JSON string, and use 'json' in the mark.`,
      mark,
    )
  }
  return plaintextOf(mark, value)
}

/** Describes an error without quoting a value: V8's syntax errors quote their input. */
const reasonOf = (error: unknown) =>
  error instanceof SyntaxError
    ? 'it threw a SyntaxError (invalid JSON?).'
    : error instanceof Error
      ? `${error.name}: ${error.message}`
      : 'it threw a value that is not an Error.'
