import { Buffer } from 'node:buffer'
import { byteClass } from './byte-class.js'

const BACKSLASH = 0x5c
const LINE_FEED = 0x0a
const SLASH = 0x2f
const PLUS = 0x2b
const OPEN = 0x7b
const CLOSE = 0x7d
const SPECIAL = byteClass(/[\\"'`$]/)
/** Behind a backslash, what may be more than one byte. */
const LONGER = byteClass(/[uUxX0-7\r\xe2]/)
const QUOTES = byteClass(/["'`]/)
const GAPS = byteClass(/[ \t\n\v\f\r()]/)
/** What a letter behind a backslash stands for, where it is a control character; else 0. */
const CONTROLS = new Uint8Array(256)
for (const [letter, said] of ['n\n', 'r\r', 't\t', 'b\b', 'f\f', 'v\v'])
  CONTROLS[letter!.charCodeAt(0)] = said!.charCodeAt(0)
/** A comment may stand wherever a space may; so long a one that it would slow the search, not. */
const LONGEST_COMMENT = 200

/**
 * Decodes the escapes of JavaScript and JSON, wherever they stand, and joins texts that are added or
 * put into a template: `'a' + 'b'`, `${'a'}b`. Bytes in and out, in one pass: a map has an escape for
 * each line, and is the largest file of a build.
 *
 * @returns null where there is nothing to decode or join.
 */
export function unescape(bytes: Buffer): Buffer | null {
  const { length } = bytes
  // No escape is shorter than what it stands for.
  const out = Buffer.allocUnsafe(length)
  let from = 0
  let to = 0
  while (from < length) {
    const byte = bytes[from]!
    if (!SPECIAL[byte]) {
      out[to++] = byte
      from++
    } else if (byte !== BACKSLASH) {
      const end = joined(bytes, from)
      if (end === from) out[to++] = bytes[from++]!
      else from = end
    } else if (from + 1 === length) {
      out[to++] = bytes[from++]!
    } else {
      const next = bytes[from + 1]!
      if (LONGER[next]) {
        const { said, end } = readEscape(bytes, from)
        to += out.write(said, to)
        from = end
      } else {
        // A line that goes on is nothing; what is no control character stands for itself.
        if (next !== LINE_FEED) out[to++] = CONTROLS[next] || next
        from += 2
      }
    }
  }
  return to === length ? null : out.subarray(0, to)
}

const ENDING = /^(?:\r\n?|\xe2\x80[\xa8\xa9])/
const UNIT = /^(?:u\{([\da-f]{1,6})\}|u([\da-f]{4})|x([\da-f]{2})|([0-3]?[0-7]{1,2}))/i
const LOW_SURROGATE = /^\\u(d[c-f][\da-f]{2})/i

/** What the escape at a backslash says, and where it ends. */
function readEscape(bytes: Buffer, at: number): { said: string; end: number } {
  const ahead = bytes.toString('latin1', at + 1, at + 16)
  const [ending] = ENDING.exec(ahead) ?? []
  if (ending) return { said: ending === '\r' ? '\r' : '', end: at + 1 + ending.length }
  const [unit, brace, four, two, octal] = UNIT.exec(ahead) ?? []
  // A letter that begins no escape; of another character the backslash alone is left out.
  if (!unit)
    return /^[\x80-\xff]/.test(ahead) ? { said: '', end: at + 1 } : { said: ahead[0]!, end: at + 2 }
  const end = at + 1 + unit.length
  const point = parseInt(brace ?? four ?? two ?? octal!, octal ? 8 : 16)
  if (point > 0x10ffff) return { said: '', end }
  const low =
    point >> 10 === 0xd800 >> 10 && LOW_SURROGATE.exec(bytes.toString('latin1', end, end + 6))
  return low
    ? { said: String.fromCharCode(point, parseInt(low[1]!, 16)), end: end + 6 }
    : { said: String.fromCodePoint(point), end }
}

/** Where a joint of texts ends that begins here: `' + '`, `${'`, `'}`. The same place where none does. */
function joined(bytes: Buffer, at: number): number {
  if (!QUOTES[bytes[at]!]) {
    if (bytes[at + 1] !== OPEN) return at
    const quote = gapEnd(bytes, at + 2)
    return QUOTES[bytes[quote]!] ? quote + 1 : at
  }
  const sign = gapEnd(bytes, at + 1)
  if (bytes[sign] === CLOSE) return sign + 1
  if (bytes[sign] !== PLUS) return at
  const quote = gapEnd(bytes, sign + 1)
  return QUOTES[bytes[quote]!] ? quote + 1 : at
}

/** Where spaces, parentheses and comments end. */
function gapEnd(bytes: Buffer, from: number): number {
  let at = from
  for (;;) {
    const byte = bytes[at]!
    if (GAPS[byte]) at++
    else if (byte > 0x7f && isSpace(bytes, at)) at += byte < 0xe0 ? 2 : 3
    else if (byte === SLASH) {
      const end = commentEnd(bytes, at)
      if (end === at) return at
      at = end
    } else return at
  }
}

const isSpace = (bytes: Buffer, at: number) =>
  /^\s/.test(bytes.toString('utf8', at, at + (bytes[at]! < 0xe0 ? 2 : 3)))

function commentEnd(bytes: Buffer, at: number): number {
  const ahead = bytes.toString('latin1', at, at + LONGEST_COMMENT + 4)
  const comment = /^\/(?:\*[^*]*\*\/|\/[^\n]*\n)/.exec(ahead)
  return comment ? at + comment[0].length : at
}
