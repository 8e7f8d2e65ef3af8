import type { Place } from '../../errors.js'
import type { Format } from '../../secret/format.js'
import type { StaticValue } from '../../syntax/static-value.js'

export type Source =
  | 'literal'
  | 'env'
  | 'file'
  | 'named'
  | 'ssm'
  | 'secretsManager'
  | 'ciphertext'
  | 'from'

export const ALGORITHMS = [
  'SYMMETRIC_DEFAULT',
  'RSAES_OAEP_SHA_1',
  'RSAES_OAEP_SHA_256',
  'SM2PKE',
] as const

/** The options object at the end of a mark's arguments, without `as`. */
export interface MarkOptions {
  decrypt?: boolean
  keyId?: string
  stage?: string
  algorithm?: (typeof ALGORITHMS)[number]
}

/** The arguments of a mark. */
export interface Arguments {
  /** The literal itself, or the name of what is fetched. */
  argument: string
  /** The second text: the key in a secret's JSON, or the reference that a source of one's own gets. */
  detail?: string
  /** With a ciphertext: what Decrypt must be called with. */
  encryptionContext: Record<string, string>
  options: MarkOptions
  format: Format
  /** All arguments as they are written, by which a call is recognized at run time. */
  values: StaticValue[]
}

/** A mark as it stands in the source: `secret.env('STRIPE_KEY')`. Offsets are UTF-16 code units. */
export interface Mark extends Arguments {
  source: Source
  sync: boolean
  /** Whether its call may be marked pure: not if something is called on it at once. */
  pure: boolean
  start: number
  end: number
  /** Where the first argument stands, for the redacted copy. */
  argumentStart: number
  argumentEnd: number
  place: Place
}

/** A part of a module's text. */
export interface Span {
  start: number
  end: number
}

/** A plaintext literal in a mark that is commented out. */
export interface CommentedLiteral {
  place: Place
  /** Its strings, which are masked wherever the source is shown. */
  spans: Span[]
  /** Its value, if it is one string. */
  argument?: string
}

export interface Collected {
  marks: Mark[]
  /** The marker's import declarations, which the transform replaces; none if only a comment has them. */
  imports: Span[]
  commented?: CommentedLiteral[]
  /** Where the first statement begins, after hashbang and directives; told where a mark is of the sync form. */
  bodyStart?: number
}

/** A module whose text lacks this has no marks and is not parsed. */
export const MARKER = 'unplugin-kms/secret'

/** What a module imports the marks from, and whether their values are there at once. */
export const MARKERS = new Map([
  [MARKER, { sync: false }],
  [`${MARKER}/sync`, { sync: true }],
])

/** The name that a mark goes by in messages, manifests and inspected objects; never a value. */
export function nameOf({ source, argument, detail, place }: Mark): string {
  if (source === 'literal' || source === 'ciphertext')
    return place.line ? `${place.file}:${place.line}` : place.file
  if (detail === undefined) return argument
  return source === 'from' ? `${argument}:${detail}` : `${argument}#${detail}`
}

/** The mark as its author wrote it, a literal aside. */
export function shown({ source, argument, detail }: Mark): string {
  if (source === 'literal' || source === 'ciphertext') return `this ${source}`
  return `secret.${source}('${argument}'${detail === undefined ? '' : `, '${detail}'`})`
}
