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
  /** The literal itself, or the name of the value in its source. */
  argument: string
  /** The second string: the key in a secret's JSON, or the reference for a function of `sources`. */
  detail?: string
  /** Of a ciphertext: the encryption context for kms:Decrypt. */
  encryptionContext: Record<string, string>
  options: MarkOptions
  format: Format
  /** The values of all arguments, which identify a call at run time. */
  values: StaticValue[]
}

/** A mark in the source: `secret.env('STRIPE_KEY')`. Offsets are UTF-16 code units. */
export interface Mark extends Arguments {
  source: Source
  sync: boolean
  /** Whether its call may be marked pure: not if its result is used in the same expression. */
  pure: boolean
  start: number
  end: number
  /** Offsets of the first argument, for redaction. */
  argumentStart: number
  argumentEnd: number
  place: Place
}

/** A part of a module's code. */
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
  /** Whether bundlers keep the comment, as they do licenses. */
  isKept: boolean
}

export interface CollectedMarks {
  marks: Mark[]
  /** The marker's import declarations, which the transform replaces; none if only a comment has them. */
  imports: Span[]
  commented?: CommentedLiteral[]
  /** Offset of the first statement after hashbang and directives, for marks of the sync form. */
  bodyStart?: number
}

/** A module that does not contain this string has no marks and is not parsed. */
export const MARKER = 'unplugin-kms/secret'

/** The modules that marks are imported from, and whether their marks are synchronous. */
export const MARKERS = new Map([
  [MARKER, { sync: false }],
  [`${MARKER}/sync`, { sync: true }],
])

/** Returns the name of a mark in messages, manifests and printed secrets. Never a value. */
export function nameOf({ source, argument, detail, place }: Mark): string {
  if (source === 'literal' || source === 'ciphertext')
    return place.line ? `${place.file}:${place.line}` : place.file
  if (detail === undefined) return argument
  return source === 'from' ? `${argument}:${detail}` : `${argument}#${detail}`
}

/** Returns a mark as it is written in the source, without the value of a literal. */
export function shown({ source, argument, detail }: Mark): string {
  if (source === 'literal' || source === 'ciphertext') return `this ${source}`
  return `secret.${source}('${argument}'${detail === undefined ? '' : `, '${detail}'`})`
}
