import { relative } from 'node:path'
import { looksLikeToken } from '../../crypto/token.js'
import type { DevValues } from '../../options/types.js'
import { readDotenv } from '../../util/dotenv.js'
import { type Mark, nameOf, shown } from '../collect/mark.js'
import { plaintextOf } from './plaintext.js'
import { refuse } from './refuse.js'

/**
 * Returns the value of a mark for development. Seals nothing and calls no AWS service. The value of a
 * plaintext literal is the literal itself.
 *
 * @throws KmsBuildError DEV_VALUE_MISSING, which says what to add and where, SOURCE_UNSUITABLE, and
 *   the errors of `plaintextOf`.
 */
export async function devValue(mark: Mark, values: DevValues): Promise<Uint8Array> {
  if (mark.source === 'literal' && !looksLikeToken(mark.argument))
    return plaintextOf(mark, mark.argument).plaintext
  const value = typeof values === 'string' ? await inFile(mark, values) : inOption(mark, values)
  if (typeof value === 'string' || value instanceof Uint8Array)
    return plaintextOf(mark, value).plaintext
  if (mark.format === 'json') return plaintextOf(mark, JSON.stringify(value)).plaintext
  return refuse(
    'SOURCE_UNSUITABLE',
    `the value of ${shown(mark)} in the option dev.values is neither a string nor bytes (${typeof value}). Use a string or a Uint8Array.`,
    mark,
  )
}

function inOption(mark: Mark, values: Record<string, unknown>): unknown {
  const name = nameOf(mark)
  const value = Object.hasOwn(values, name) ? values[name] : undefined
  return value ?? missing(mark, `Add it: dev: { values: { ${JSON.stringify(name)}: '…' } }.`)
}

async function inFile(mark: Mark, path: string): Promise<string> {
  const name = variableOf(nameOf(mark))
  const file = relative(process.cwd(), path)
  const { values, ambiguous } = await readDotenv(path).catch((error: Error) =>
    missing(
      mark,
      error.message.includes('UTF-')
        ? error.message
        : `Its file ${file} cannot be read: create it, with the line ${name}=…`,
    ),
  )
  const problem = ambiguous.get(name)
  if (problem) throw problem.at(mark.place)
  return values.get(name) ?? missing(mark, `Add the line ${name}=… to ${file}.`)
}

const missing = (mark: Mark, what: string) =>
  refuse(
    'DEV_VALUE_MISSING',
    `the option dev.values has no value for ${shown(mark)}. ${what}`,
    mark,
  )

/** Returns the name in a dotenv file, which cannot contain `/prod/db/password`: `PROD_DB_PASSWORD`. */
const variableOf = (name: string) =>
  /^[\w.-]+$/.test(name) ? name : name.replace(/\W+/g, '_').replace(/^_|_$/g, '').toUpperCase()
