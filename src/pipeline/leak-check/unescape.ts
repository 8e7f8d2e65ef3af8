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
import { Joints, type SkippedJoint } from './joints.js'
import { indexIn } from './batch.js'
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

/** A syntax whose escapes have another meaning in most outputs. */
export type Syntax = 'css' | 'quoted-printable'

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
const bytesIn = (characters: string) => {
  const has = new Uint8Array(256)
  for (const character of characters) has[character.charCodeAt(0)] = 1
  return has
}
const SPECIAL = bytesIn('\\%&"\'`$[({=')
const SPECIAL_IN: Record<Syntax, Uint8Array> = {
  css: bytesIn('\\'),
  'quoted-printable': bytesIn('='),
}
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
 * @returns null if there is nothing to decode.
 */
export function unescape(bytes: Buffer, options: UnescapeOptions): DecodedParts | null {
  const decoder = new Decoder(bytes, options)
  // Decoded characters are never longer than their escapes.
  const out = Buffer.allocUnsafe(bytes.length)
  const regions = new Regions(options.reach)
  const { to } = decoder.decode(0, out, regions)
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
  // Offsets of input and output, ascending.
  readonly #ins: number[] = [0]
  readonly #outs: number[] = [0]

  constructor(bytes: Buffer, { reach, syntax, throughBackslashes = false }: UnescapeOptions) {
    this.#bytes = bytes
    this.#syntax = syntax
    this.#joints = new Joints(bytes, reach, throughBackslashes)
  }

  get skipped(): SkippedJoint[] {
    return this.#joints.skipped
  }

  /** Decodes from an offset of the input on, until the output is full. */
  decode(start: number, out: Buffer, regions: Regions): { at: number; to: number } {
    const bytes = this.#bytes
    const special = this.#syntax === undefined ? SPECIAL : SPECIAL_IN[this.#syntax]
    const [end, full] = [bytes.length, out.length]
    let [at, to, checkpoint] = [start, 0, start + CHECKPOINT]
    while (at < end && to < full) {
      const byte = bytes[at]!
      if (!special[byte]) {
        out[to++] = byte
        at++
        continue
      }
      // Most escapes of a source map have one letter.
      const letter =
        byte === BACKSLASH && this.#syntax === undefined ? shortEscape(bytes[at + 1]!) : 0
      if (letter) {
        out[to++] = letter
        at += 2
        regions.add(to)
      } else {
        const escape = this.#escapeAt(byte, at)
        if (!escape) {
          out[to++] = byte
          at++
          continue
        }
        const { value } = escape
        // A list of character codes is reported at the offset of its first byte.
        if (typeof value !== 'number' && value.length > full - to) return { at, to: full }
        if (typeof value === 'number') out[to++] = value
        else if (typeof value !== 'string') to += value.copy(out, to)
        else if (value) to += out.write(value, to)
        at = escape.end
        if (escape.isChange !== false) regions.add(to)
      }
      if (at < checkpoint || start) continue
      this.#ins.push(at)
      this.#outs.push(to)
      checkpoint = at + CHECKPOINT
    }
    return { at, to }
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
