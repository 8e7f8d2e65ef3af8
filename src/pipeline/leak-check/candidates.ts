import type { Buffer } from 'node:buffer'

/** A syntax whose escapes have another meaning in most outputs. */
export type Syntax = 'css' | 'quoted-printable'

/** Returns a table of 256: 1 for each of the characters. */
export const bytesIn = (characters: string) => {
  const has = new Uint8Array(256)
  for (const character of characters) has[character.charCodeAt(0)] = 1
  return has
}
const SPECIAL = bytesIn('\\%&"\'`$[({=')
const SPECIAL_IN: Record<Syntax, Uint8Array> = {
  css: bytesIn('\\'),
  'quoted-printable': bytesIn('='),
}
/** Returns a table of the bytes at which there may be something to decode. */
export const specialIn = (syntax: Syntax | undefined): Uint8Array =>
  syntax ? SPECIAL_IN[syntax] : SPECIAL

/** White space of one byte and parentheses, as between the strings of a sum. */
const GAP = String.raw`[ \t\n\v\f\r()]*`
/** A quote after a gap, or the start of what `Joints` also skips: a comment, white space of several bytes. */
const NEXT_STRING = '["\'`/\\xc2\\xe1\\xe2\\xe3\\xef]'
const SPACE = String.raw`[ \t\r\n\f]*`
/** The first two numbers of a list. */
const NUMBERS = String.raw`-?\d[\da-zA-Z]*${SPACE},${SPACE}-?\d`
/** A backslash before anything but a character of its own, such as `\n` or `\"`. */
const ESCAPE = String.raw`\\(?:[\\\0\da-fA-FuUxX=\r\n\xe2]|$)`

const OTHERS = [
  String.raw`%(?:[\da-fA-F]{2}|u[\da-fA-F]{4})`,
  String.raw`&(?:#|[\da-zA-Z]{2,32};|[aA][mM][pP]|[lLgG][tT]|[qQ][uU][oO][tT])`,
  String.raw`\$\{${GAP}${NEXT_STRING}`,
  String.raw`\[${SPACE}(?:["'${'`'}]|${NUMBERS})`,
  String.raw`\(${NUMBERS}`,
  String.raw`\{(?:${SPACE}["'${'`'}]?0|${NUMBERS})`,
  String.raw`=(?:[\r\n]|[89a-fA-F][\da-fA-F]|3[dD])`,
]
const patterns = new Map<string, RegExp>()

/**
 * Returns the pattern of a text without another syntax.
 *
 * @param after characters that may end a joint after a string, from `endsIn`.
 */
function patternOf(after: string): RegExp {
  const quote = `["'\`]${GAP}(?:[${after}/\\xc2\\xe1\\xe2\\xe3\\xef]|\\+${GAP}${NEXT_STRING}|\\.concat\\()`
  const pattern = patterns.get(after) ?? new RegExp([ESCAPE, quote, ...OTHERS].join('|'), 'g')
  patterns.set(after, pattern)
  return pattern
}

/** The characters that end a joint, if the input has a beginning for one. */
const endsIn = (text: string) =>
  (text.includes('.concat(') ? ',' : '') + (text.includes('${') ? '}' : '')

const PATTERN_IN: Record<Syntax, RegExp> = {
  // Backslashes before any other character are dropped, which changes nothing else.
  css: /\\(?:[\\\n\da-fA-F]|$)/g,
  'quoted-printable': /=(?:[\da-fA-F]{2}|[ \t]*\r?\n)/g,
}

/**
 * Finds the bytes at which `unescape` may have anything to do, except escapes of a backslash and one
 * character. Every start of an escape, a list or a joint must match. A regular expression is used because
 * V8 compiles it early, whereas most builds end before a loop over all bytes is optimized.
 */
export class Candidates {
  readonly #text: string
  readonly #pattern: RegExp

  /** @param text the bytes as Latin-1. */
  constructor(text: string, syntax: Syntax | undefined) {
    this.#text = text
    this.#pattern = syntax ? PATTERN_IN[syntax] : patternOf(endsIn(text))
    // V8 compiles a pattern when it runs for the second time.
    this.#pattern.lastIndex = 0
    this.#pattern.exec('')
  }

  /** Returns the offset of the next candidate, or the length of the text. */
  next(at: number): number {
    this.#pattern.lastIndex = at
    return this.#pattern.exec(this.#text)?.index ?? this.#text.length
  }
}

/** Decodes text whose backslashes precede one character each, and never a backslash. */
export const withoutBackslashes = (text: string): string =>
  text
    .replace(/\\n/g, '\n')
    .replace(/\\r/g, '\r')
    .replace(/\\t/g, '\t')
    .replace(/\\v/g, '\v')
    .replace(/\\/g, '')

/** Bytes of the largest text that is read with regular expressions. */
const LARGEST = 1 << 28

/** Returns the bytes as Latin-1, one character per byte, or null if there are too many. */
export const latin1 = (bytes: Buffer): string | null =>
  bytes.length > LARGEST ? null : bytes.toString('latin1')
