import { Buffer } from 'node:buffer'
import {
  isQuotedPrintable,
  readBackslash,
  readCssEscape,
  readEntity,
  readPercent,
  readQuotedPrintable,
  shortEscape,
  type Escape,
} from './escapes.js'
import { Joints, Occurrences, type SkippedJoint } from './joints.js'
import { indexIn } from './batch.js'
import { bytesIn, Candidates, latin1, specialIn, withoutBackslashes } from './candidates.js'
import type { Syntax } from './candidates.js'
import { readIndexed, readNumbers, readStrings } from './lists.js'
import { Regions } from './regions.js'

/** The parts of a buffer that decoding changed, with their surroundings. */
export interface DecodedParts {
  bytes: Buffer
  /** Returns the offset in the input of an offset of `bytes`. */
  originOf(offset: number): number
  skipped: SkippedJoint[]
  /** Syntaxes whose escapes may occur, and were not decoded. */
  others: Syntax[]
}

export interface UnescapeOptions {
  /** Number of bytes around a decoded escape that a pattern may contain. */
  reach: number
  /** Decodes only the escapes of this syntax. Default: all others. */
  syntax?: Syntax | undefined
  throughBackslashes?: boolean | undefined
}

const [BACKSLASH, PERCENT, AMPERSAND, DOLLAR, BRACKET, PARENTHESIS, BRACE, EQUALS] = [
  0x5c, 0x25, 0x26, 0x24, 0x5b, 0x28, 0x7b, 0x3d,
]
const DIGIT = bytesIn('0123456789')
/** Bytes that a list of numbers, or a number in one, may start with. */
const FIRST_NUMBER = bytesIn('-0123456789 \t\r\n')
const FIRST_STRING = bytesIn('"\'`')
const HEX_DIGIT = bytesIn('0123456789abcdefABCDEF')
/** Distance between checkpoints of input and output offsets. */
const CHECKPOINT = 1 << 16

/**
 * Decodes escapes of JavaScript, JSON, YAML, URLs, HTML and XML, and lists of character codes, wherever
 * they occur. Also joins concatenated strings and templates. Reads the bytes once.
 *
 * @param everyByte decodes without a search for candidates. Tests compare the results of both.
 * @returns null if there is nothing to decode.
 */
export function unescape(
  bytes: Buffer,
  options: UnescapeOptions,
  everyByte = false,
): DecodedParts | null {
  const decoder = new Decoder(bytes, options)
  // Decoded characters are never longer than their escapes.
  const out = Buffer.allocUnsafe(bytes.length)
  const regions = new Regions(options.reach)
  const to = everyByte ? decoder.decode(0, out, regions).to : decoder.decodeAll(out, regions)
  const parts = regions.end(out.subarray(0, to))
  const { skipped } = decoder
  const others = [...decoder.others]
  if (!parts) return skipped.length || others.length ? { ...NOTHING, skipped, others } : null
  return {
    bytes: parts.bytes,
    skipped,
    others,
    originOf: (offset) => decoder.originOf(parts.originOf(offset)),
  }
}

const NOTHING = { bytes: Buffer.alloc(0), originOf: (offset: number) => offset }

class Decoder {
  readonly others = new Set<Syntax>()
  readonly #bytes: Buffer
  readonly #syntax: Syntax | undefined
  readonly #joints: Joints
  readonly #reach: number
  readonly #backslashes: Occurrences
  // The next byte of the input, and of the output.
  #at = 0
  #to = 0
  // Offsets of input and output, ascending.
  readonly #ins: number[] = [0]
  readonly #outs: number[] = [0]

  constructor(bytes: Buffer, { reach, syntax, throughBackslashes = false }: UnescapeOptions) {
    this.#bytes = bytes
    this.#syntax = syntax
    this.#reach = reach
    this.#backslashes = new Occurrences(bytes, '\\', bytes.length)
    this.#joints = new Joints(bytes, reach, throughBackslashes)
  }

  get skipped(): SkippedJoint[] {
    return this.#joints.skipped
  }

  /** Decodes everything. Only the bytes where there may be anything to decode are read one by one. */
  decodeAll(out: Buffer, regions: Regions): number {
    const bytes = this.#bytes
    const text = latin1(bytes)
    if (text === null) return this.decode(0, out, regions).to
    const special = specialIn(this.#syntax)
    const candidates = new Candidates(text, this.#syntax)
    this.#at = 0
    this.#to = 0
    while (this.#at < bytes.length) {
      this.#copyShort(text, candidates.next(this.#at), out, regions)
      if (this.#at === bytes.length) break
      this.#step(special, out, regions)
      this.#checkpoint()
    }
    return this.#to
  }

  /** Copies bytes up to an offset, and decodes escapes of a backslash and one character. */
  #copyShort(text: string, end: number, out: Buffer, regions: Regions): void {
    while (this.#at < end) {
      const most = Math.min(end, this.#at + CHECKPOINT)
      const isPlain = this.#syntax === 'quoted-printable'
      const first = isPlain ? most : Math.min(this.#backslashes.from(this.#at), most)
      this.#to += this.#bytes.copy(out, this.#to, this.#at, first)
      this.#at = first
      if (first < most) this.#decodeShort(text, most, out, regions)
      this.#checkpoint()
    }
  }

  /** Decodes such escapes from the first one on, up to a gap between two regions. */
  #decodeShort(text: string, most: number, out: Buffer, regions: Regions): void {
    const first = this.#at
    if (this.#syntax === 'css') {
      this.#at = most
      const plain = text.slice(first, this.#at).replace(/\\/g, '')
      this.#to += out.write(plain, this.#to, 'latin1')
      return
    }
    let last = first
    for (;;) {
      const next = text.lastIndexOf('\\', Math.min(most - 1, last + 2 * this.#reach))
      if (next <= last) break
      last = next
    }
    this.#at = last + 2
    regions.add(this.#to + 1)
    const decoded = withoutBackslashes(text.slice(first, this.#at))
    this.#to += out.write(decoded, this.#to, 'latin1')
    regions.extend(this.#to)
  }

  #checkpoint(): void {
    if (this.#at < this.#ins.at(-1)! + CHECKPOINT) return
    this.#ins.push(this.#at)
    this.#outs.push(this.#to)
  }

  /** Decodes byte by byte from an offset of the input on, until the output is full. */
  decode(start: number, out: Buffer, regions: Regions): { at: number; to: number } {
    const special = specialIn(this.#syntax)
    this.#at = start
    this.#to = 0
    while (this.#at < this.#bytes.length && this.#to < out.length) {
      this.#step(special, out, regions)
      if (!start) this.#checkpoint()
    }
    return { at: this.#at, to: this.#to }
  }

  /** Copies a byte, or decodes what starts there. */
  #step(special: Uint8Array, out: Buffer, regions: Regions): void {
    const at = this.#at
    const byte = this.#bytes[at]!
    // Most escapes of a source map have one letter.
    const letter =
      byte === BACKSLASH && this.#syntax === undefined ? shortEscape(this.#bytes[at + 1]!) : 0
    if (letter) {
      out[this.#to++] = letter
      this.#at = at + 2
      regions.add(this.#to)
      return
    }
    const escape = special[byte] ? this.#escapeAt(byte, at) : null
    if (!escape) {
      out[this.#to++] = byte
      this.#at = at + 1
      return
    }
    const { value } = escape
    // A list of character codes is reported at the offset of its first byte.
    if (typeof value !== 'number' && value.length > out.length - this.#to) {
      this.#to = out.length
      return
    }
    if (typeof value === 'number') out[this.#to++] = value
    else if (typeof value !== 'string') this.#to += value.copy(out, this.#to)
    else if (value) this.#to += out.write(value, this.#to)
    this.#at = escape.end
    if (escape.isChange !== false) regions.add(this.#to)
  }

  #escapeAt(byte: number, at: number): Escape | null {
    const bytes = this.#bytes
    const next = bytes[at + 1]!
    switch (byte) {
      case BACKSLASH:
        if (this.#syntax === 'css') return readCssEscape(bytes, at)
        if (HEX_DIGIT[next]) this.others.add('css')
        if (next === EQUALS && isQuotedPrintable(bytes, at + 1)) this.others.add('quoted-printable')
        return at + 1 < bytes.length ? readBackslash(bytes, at) : null
      case PERCENT:
        return readPercent(bytes, at)
      case AMPERSAND:
        return readEntity(bytes, at)
      case BRACKET:
        if (FIRST_STRING[next]) return readStrings(bytes, at)
        return FIRST_NUMBER[next] ? (readNumbers(bytes, at) ?? readStrings(bytes, at)) : null
      case PARENTHESIS:
        return DIGIT[next] ? readNumbers(bytes, at) : null
      case BRACE:
        return this.#readMembers(next, at)
      case EQUALS:
        if (this.#syntax === 'quoted-printable') return readQuotedPrintable(bytes, at)
        if (isQuotedPrintable(bytes, at)) this.others.add('quoted-printable')
        return null
      default: {
        const joined = byte === DOLLAR && next !== 0x7b ? 0 : this.#joints.endAt(at)
        return joined ? { value: '', end: joined } : null
      }
    }
  }

  #readMembers(next: number, at: number): Escape | null {
    if (!FIRST_STRING[next] && !FIRST_NUMBER[next]) return null
    return readIndexed(this.#bytes, at) ?? (DIGIT[next] ? readNumbers(this.#bytes, at) : null)
  }

  /** Decodes again from the last checkpoint before an offset of the output. */
  originOf(offset: number): number {
    const index = indexIn(this.#outs, offset)
    const out = Buffer.allocUnsafe(offset - this.#outs[index]!)
    return this.decode(this.#ins[index]!, out, new Regions(0)).at
  }
}
