import { Buffer } from 'node:buffer'
import { readBackslash, type Escape } from './escapes.js'

/** Length of the shortest list that may be a searched string. */
const SHORTEST_LIST = 4

const SPACE = new Uint8Array(256)
for (const character of ' \t\r\n\f') SPACE[character.charCodeAt(0)] = 1
const DIGITS = Int8Array.from({ length: 256 }, (_, byte) => {
  const digit = parseInt(String.fromCharCode(byte), 16)
  return Number.isNaN(digit) ? -1 : digit
})
const [COMMA, COLON, MINUS, BACKSLASH, CLOSING_BRACKET] = [0x2c, 0x3a, 0x2d, 0x5c, 0x5d]
const isQuote = (byte: number | undefined) => byte === 0x22 || byte === 0x27 || byte === 0x60

/**
 * Reads the numbers of a list of bytes or character codes after its bracket: `[112,97,115]`,
 * `fromCharCode(0x70, 0x61)`. Bytes stay bytes, so that several may be one character of UTF-8.
 *
 * @returns null if there are too few numbers.
 */
export function readNumbers(bytes: Buffer, at: number): Escape | null {
  const values: number[] = []
  let end = at + 1
  for (;;) {
    const read = readNumber(bytes, spaceEnd(bytes, end))
    if (!read) break
    values.push(read.value)
    end = read.end
    const next = spaceEnd(bytes, end)
    if (bytes[next] !== COMMA) break
    end = next + 1
  }
  return values.length < SHORTEST_LIST ? null : { value: fromCodes(values), end }
}

/** Letters after a 0 that start a number of another base. */
const BASES: Record<number, number> = { 0x78: 16, 0x6f: 8, 0x62: 2 }

/** Reads a byte, signed or not, or a code point. @returns null if there is none. */
function readNumber(bytes: Buffer, start: number): { value: number; end: number } | null {
  const isNegative = bytes[start] === MINUS
  let at = isNegative ? start + 1 : start
  const prefix = bytes[at] === 0x30 ? BASES[bytes[at + 1]! | 0x20] : undefined
  if (prefix) at += 2
  const base = prefix ?? 10
  const first = at
  let value = 0
  for (let digit; (digit = DIGITS[bytes[at]!]!) >= 0 && digit < base; at++)
    value = Math.min(value * base + digit, 0x110000)
  if (at === first || value > (isNegative ? 0x80 : 0x10ffff)) return null
  return { value: isNegative ? (0x100 - value) & 0xff : value, end: at }
}

/** Keeps bytes, and converts other code points and surrogate pairs to UTF-8. */
function fromCodes(values: number[]): Buffer {
  if (values.every((value) => value < 0x100)) return Buffer.from(values)
  return Buffer.concat(
    values.map((value, index) => {
      if (value < 0x100) return Buffer.of(value)
      const next = values[index + 1] ?? 0
      if (value >> 10 === 0xd800 >> 10 && next >> 10 === 0xdc00 >> 10)
        return Buffer.from(String.fromCharCode(value, next))
      return Buffer.from(value >> 10 === 0xdc00 >> 10 ? '' : String.fromCodePoint(value))
    }),
  )
}

/**
 * Reads an object with the members of a list: `{"0":112,"1":97}`, which is the JSON of a
 * Uint8Array, or `{0:"p",1:"a"}`, a string that was spread.
 *
 * @returns null if there are too few members.
 */
export function readIndexed(bytes: Buffer, at: number): Escape | null {
  const numbers: number[] = []
  const characters: string[] = []
  let end = at + 1
  for (let index = 0; ; index++) {
    const start = indexEnd(bytes, spaceEnd(bytes, end), index)
    if (!start) break
    const number = readNumber(bytes, start)
    const character = number ? null : readString(bytes, start)
    if (number) numbers.push(number.value)
    else if (character) characters.push(character.value)
    else break
    end = (number ?? character)!.end
    const next = spaceEnd(bytes, end)
    if (bytes[next] !== COMMA) break
    end = next + 1
  }
  if (numbers.length + characters.length < SHORTEST_LIST || (numbers.length && characters.length))
    return null
  return { value: numbers.length ? fromCodes(numbers) : characters.join(''), end }
}

/** Returns the offset of the value of a member, or 0 if the member has another name. */
function indexEnd(bytes: Buffer, start: number, index: number): number {
  const quote = isQuote(bytes[start]) ? bytes[start] : undefined
  const name = String(index)
  let at = quote === undefined ? start : start + 1
  for (let digit = 0; digit < name.length; digit++)
    if (bytes[at++] !== name.charCodeAt(digit)) return 0
  if (quote !== undefined && bytes[at++] !== quote) return 0
  at = spaceEnd(bytes, at)
  return bytes[at] === COLON ? spaceEnd(bytes, at + 1) : 0
}

const JOIN = /^\s*\.\s*join\(\s*(?:""|''|``)\s*\)/

/**
 * Reads a list of strings that code joins, `["pa","ss"].join("")`, or of single characters.
 *
 * @returns null if it is neither.
 */
export function readStrings(bytes: Buffer, at: number): Escape | null {
  const starts: number[] = []
  let areCharacters = true
  let end = at + 1
  for (;;) {
    const start = spaceEnd(bytes, end)
    const last = isQuote(bytes[start]) ? stringEnd(bytes, start) : 0
    if (!last) break
    starts.push(start)
    areCharacters &&= last - start <= LONGEST_CHARACTER
    end = spaceEnd(bytes, last)
    if (bytes[end] !== COMMA) break
    end++
  }
  end = spaceEnd(bytes, end)
  if (bytes[end] !== CLOSING_BRACKET || starts.length < 2) return null
  const [join] = JOIN.exec(bytes.toString('latin1', end + 1, end + 24)) ?? []
  if (!join && !(areCharacters && starts.length >= SHORTEST_LIST)) return null
  const strings = starts.map((start) => readString(bytes, start)!.value)
  if (!join && !strings.every(isCharacter)) return null
  return { value: strings.join(''), end: end + 1 + (join?.length ?? 0) }
}

/** Bytes of the longest spelling of a character, with its quotes: `"\ud83d\ude00"`. */
const LONGEST_CHARACTER = 14
const isCharacter = (text: string) =>
  text.length === 1 || (text.length === 2 && text.codePointAt(0)! > 0xffff)

/** Returns the offset after a string, or 0 if it has no end. */
function stringEnd(bytes: Buffer, start: number): number {
  const quote = bytes[start]
  for (let at = start + 1; at < bytes.length; at++) {
    if (bytes[at] === quote) return at + 1
    if (bytes[at] === BACKSLASH) at++
  }
  return 0
}

/** Decodes a string of JavaScript or JSON. @returns null if there is none. */
function readString(bytes: Buffer, start: number): { value: string; end: number } | null {
  const end = isQuote(bytes[start]) ? stringEnd(bytes, start) : 0
  if (!end) return null
  const parts: string[] = []
  let plain = start + 1
  for (let at = plain; at < end - 1; at++) {
    if (bytes[at] !== BACKSLASH) continue
    const escape = readBackslash(bytes, at)
    const { value } = escape
    parts.push(
      bytes.toString('utf8', plain, at),
      typeof value === 'number' ? String.fromCharCode(value) : value.toString(),
    )
    plain = escape.end
    at = plain - 1
  }
  parts.push(bytes.toString('utf8', plain, end - 1))
  return { value: parts.join(''), end }
}

function spaceEnd(bytes: Buffer, at: number): number {
  while (SPACE[bytes[at]!]) at++
  return at
}
