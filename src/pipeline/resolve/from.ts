import { type Mark, shown } from '../collect/mark.js'
import { plaintextOf } from './plaintext.js'
import { refuse } from './refuse.js'
import type { Sources } from './types.js'

/**
 * What a function of the option `sources` gives.
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
      `${shown(mark)}: the source ${name} gave nothing for it. Check the reference, or add the secret there.`,
      mark,
    )
  }
  if (typeof value !== 'string' && !(value instanceof Uint8Array)) {
    return refuse(
      'SOURCE_UNSUITABLE',
      `${shown(mark)}: the source ${name} gave neither text nor bytes (${typeof value}). Objects must be given as JSON text, and read with 'json'.`,
      mark,
    )
  }
  return plaintextOf(mark, value)
}

/** V8's syntax errors quote what was read: that may be the value. */
const reasonOf = (error: unknown) =>
  error instanceof SyntaxError
    ? 'it met a syntax error (JSON?).'
    : error instanceof Error
      ? `${error.name}: ${error.message}`
      : 'it threw no Error.'
