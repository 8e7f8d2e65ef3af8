import { Buffer } from 'node:buffer'
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)

/** Decodes a character reference. Loads the names of HTML's at the first call, which takes 2 ms. */
const decodeHTML = (reference: string): string =>
  (require('entities/decode') as typeof import('entities/decode')).decodeHTML(reference)

/** A decoded character reference or escape. */
export interface Escape {
  /** One byte, or several. */
  value: number | string | Buffer
  /** The offset after it. */
  end: number
  /** False if only a backslash was dropped. Default: true. */
  isChange?: boolean
}

const table = (pattern: RegExp): Uint8Array =>
  Uint8Array.from({ length: 256 }, (_, byte) => +pattern.test(String.fromCharCode(byte)))

const HEX = Int8Array.from({ length: 256 }, (_, byte) => {
  const digit = parseInt(String.fromCharCode(byte), 16)
  return Number.isNaN(digit) ? -1 : digit
})
const LETTER_OR_DIGIT = table(/[\dA-Za-z]/)
const SPACE = table(/[ \t\r\n\f]/)

const [LINE_FEED, EQUALS] = [0x0a, 0x3d]
/** Letters after a backslash that may start an escape of more than one character. */
const LONGER = table(/[uUxX0-7\r\n\xe2]/)
/** The control character of a letter after a backslash, or 0. */
const CONTROLS = new Uint8Array(256)
for (const [letter, control] of ['n\n', 'r\r', 't\t', 'b\b', 'f\f', 'v\v'])
  CONTROLS[letter!.charCodeAt(0)] = control!.charCodeAt(0)

const LINE_BREAK = /^(?:\r\n?|\n|\xe2\x80[\xa8\xa9])/
const UNIT =
  /^(?:[ux]\{([\da-f]{1,6})\}|u([\da-f]{4})|U([\da-f]{8})|[xX]([\da-f]{2})|([0-3]?[0-7]{1,2}))/i
const LOW_SURROGATE = /^\\u(d[c-f][\da-f]{2})/i

const charactersOf = (codePoint: number) =>
  codePoint <= 0x10ffff ? String.fromCodePoint(codePoint) : ''

/** The character of a one-letter escape, except hexadecimal digits and equals signs; else 0. */
const SHORT = Uint8Array.from({ length: 256 }, (_, letter) =>
  LONGER[letter] || HEX[letter]! >= 0 || letter === EQUALS ? 0 : CONTROLS[letter] || letter,
)
export const shortEscape = (letter: number): number => SHORT[letter]!

/** Reads an escape of JavaScript, JSON or YAML at a backslash. */
export function readBackslash(bytes: Buffer, at: number): Escape {
  const letter = bytes[at + 1]!
  if (!LONGER[letter]) return { value: CONTROLS[letter] || letter, end: at + 2 }
  const ahead = bytes.toString('latin1', at + 1, at + 16)
  const [lineBreak] = LINE_BREAK.exec(ahead) ?? []
  if (lineBreak) return { value: '', end: indentationEnd(bytes, at + 1 + lineBreak.length) }
  const [unit, brace, four, eight, two, octal] = UNIT.exec(ahead) ?? []
  // Any other character is itself. For a character of several bytes, only the backslash is dropped.
  if (!unit)
    return /^[\x80-\xff]/.test(ahead)
      ? { value: '', end: at + 1 }
      : { value: ahead[0]!, end: at + 2 }
  const end = at + 1 + unit.length
  const codePoint = parseInt(brace ?? four ?? eight ?? two ?? octal!, octal ? 8 : 16)
  const low =
    codePoint >> 10 === 0xd800 >> 10 && LOW_SURROGATE.exec(bytes.toString('latin1', end, end + 6))
  return low
    ? { value: String.fromCharCode(codePoint, parseInt(low[1]!, 16)), end: end + 6 }
    : { value: charactersOf(codePoint), end }
}

/** Skips the indentation after an escaped line break, as YAML does. */
function indentationEnd(bytes: Buffer, at: number): number {
  while (bytes[at] === 0x20 || bytes[at] === 0x09) at++
  return at
}

/** Reads an escape of CSS at a backslash: up to six digits and one space, or a character. */
export function readCssEscape(bytes: Buffer, at: number): Escape {
  let end = at + 1
  let codePoint = 0
  for (; end < at + 7 && HEX[bytes[end]!]! >= 0; end++)
    codePoint = codePoint * 16 + HEX[bytes[end]!]!
  if (end > at + 1) {
    if (bytes[end] === 0x0d && bytes[end + 1] === LINE_FEED) end++
    return { value: charactersOf(codePoint), end: SPACE[bytes[end]!] ? end + 1 : end }
  }
  const isLineBreak = bytes[end] === LINE_FEED
  return {
    value: isLineBreak || end >= bytes.length ? '' : bytes[end]!,
    end: end + 1,
    isChange: false,
  }
}

/** Reads `%41`, or `%u0041` as `escape()` writes it. @returns null if it is neither. */
export function readPercent(bytes: Buffer, at: number): Escape | null {
  const byte = HEX[bytes[at + 1]!]! * 16 + HEX[bytes[at + 2]!]!
  if (HEX[bytes[at + 1]!]! >= 0 && HEX[bytes[at + 2]!]! >= 0) return { value: byte, end: at + 3 }
  if (bytes[at + 1] !== 0x75) return null
  const unit = /^[\da-f]{4}/i.exec(bytes.toString('latin1', at + 2, at + 6))
  if (!unit) return null
  const high = parseInt(unit[0], 16)
  const low =
    high >> 10 === 0xd800 >> 10 &&
    /^%u(d[c-f][\da-f]{2})/i.exec(bytes.toString('latin1', at + 6, at + 12))
  return low
    ? { value: String.fromCharCode(high, parseInt(low[1]!, 16)), end: at + 12 }
    : { value: String.fromCharCode(high), end: at + 6 }
}

/** Longer than any name of a character reference. */
const LONGEST_NAME = 32

/** After these, the rest of a reference may follow in the next string of a sum, or with its semicolon escaped. */
const MAY_CONTINUE = table(/["'`\\%]/)

/** HTML character references that minifiers write without their semicolon. */
const LEGACY = /^&(?:amp|lt|gt|quot)(?![;"'`\\%])/i

/** Reads a character reference of HTML or XML at an ampersand. @returns null if there is none. */
export function readEntity(bytes: Buffer, at: number): Escape | null {
  let end = at + 1
  if (bytes[end] === 0x23) return readNumericReference(bytes, at)
  while (LETTER_OR_DIGIT[bytes[end]!] && end - at <= LONGEST_NAME) end++
  if (end - at < 3) return null
  if (bytes[end] !== 0x3b) {
    const [reference] = LEGACY.exec(bytes.toString('latin1', at, at + 6)) ?? []
    return reference ? { value: decodeHTML(reference), end: at + reference.length } : null
  }
  const reference = bytes.toString('latin1', at, end + 1)
  const value = decodeHTML(reference)
  return value === reference || Buffer.byteLength(value) > reference.length
    ? null
    : { value, end: end + 1 }
}

function readNumericReference(bytes: Buffer, at: number): Escape | null {
  const isHex = (bytes[at + 2]! | 0x20) === 0x78
  const start = at + (isHex ? 3 : 2)
  const base = isHex ? 16 : 10
  let [end, codePoint] = [start, 0]
  for (let digit; (digit = HEX[bytes[end]!]!) >= 0 && digit < base; end++)
    codePoint = Math.min(codePoint * base + digit, 0x110000)
  if (end === start || MAY_CONTINUE[bytes[end]!]) return null
  return { value: charactersOf(codePoint), end: bytes[end] === 0x3b ? end + 1 : end }
}

/**
 * Decodes quoted-printable text at an equals sign: an escaped byte (`=C3`) or a soft line break.
 *
 * @returns null if there is neither.
 */
export function readQuotedPrintable(bytes: Buffer, at: number): Escape | null {
  const [first, second] = [HEX[bytes[at + 1]!]!, HEX[bytes[at + 2]!]!]
  if (first >= 0 && second >= 0) return { value: first * 16 + second, end: at + 3 }
  let end = at + 1
  while (bytes[end] === 0x20 || bytes[end] === 0x09) end++
  if (bytes[end] === 0x0d) end++
  return bytes[end] === LINE_FEED ? { value: '', end: end + 1 } : null
}

/** Returns whether an equals sign is most likely part of quoted-printable text, and not of code. */
export function isQuotedPrintable(bytes: Buffer, at: number): boolean {
  const next = bytes[at + 1]!
  if (next === LINE_FEED || next === 0x0d) return at > 0 && !SPACE[bytes[at - 1]!]
  const first = HEX[next]!
  if (at + 2 >= bytes.length || first < 0 || HEX[bytes[at + 2]!]! < 0) return false
  return first >= 8 || (first === 3 && (bytes[at + 2]! | 0x20) === 0x64)
}
