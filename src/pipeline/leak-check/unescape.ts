import { Buffer } from 'node:buffer'
import {
  readBackslash,
  readCssEscape,
  readEntity,
  readNumbers,
  readPercent,
  shortEscape,
  type Escape,
} from './escapes.js'
import { Joints, type SkippedJoint } from './joints.js'
import { indexIn } from './packed.js'
import { Regions } from './regions.js'

/** The parts of some bytes that decoding changed, with what is around them. */
export interface Unescaped {
  bytes: Buffer
  /** Returns the offset in the input of an offset of `bytes`. */
  originOf(offset: number): number
  skipped: SkippedJoint[]
  /** Whether there may be escapes of CSS. */
  mayBeCss: boolean
}

export interface UnescapeOptions {
  /** Number of bytes around a change that a pattern may reach over. */
  reach: number
  /** `css` decodes the escapes of CSS alone. Default: everything else. */
  syntax?: 'css' | undefined
  throughBackslashes?: boolean | undefined
}

const [BACKSLASH, PERCENT, AMPERSAND, DOLLAR, BRACKET, PARENTHESIS] = [
  0x5c, 0x25, 0x26, 0x24, 0x5b, 0x28,
]
const bytesIn = (characters: string) => {
  const has = new Uint8Array(256)
  for (const character of characters) has[character.charCodeAt(0)] = 1
  return has
}
const SPECIAL = bytesIn('\\%&"\'`$[(')
const SPECIAL_IN_CSS = bytesIn('\\')
const DIGIT = bytesIn('0123456789')
const DIGIT_OR_SPACE = bytesIn('0123456789 \t\r\n')
const HEX_DIGIT = bytesIn('0123456789abcdefABCDEF')
/** Distance between offsets of input and output that are kept, to find a place again. */
const CHECKPOINT = 1 << 16

/**
 * Decodes the escapes of JavaScript, JSON, YAML, URLs, HTML and XML wherever they occur, lists of
 * character codes, and joins strings that are added or put into a template. One pass over the bytes.
 *
 * @returns null if there is nothing to decode.
 */
export function unescape(bytes: Buffer, options: UnescapeOptions): Unescaped | null {
  const decoder = new Decoder(bytes, options)
  // Nothing is longer than its escape.
  const out = Buffer.allocUnsafe(bytes.length)
  const regions = new Regions(options.reach)
  const { to } = decoder.decode(0, out, regions)
  const parts = regions.end(out.subarray(0, to))
  const { skipped, mayBeCss } = decoder
  if (!parts) return skipped.length ? { ...NOTHING, skipped, mayBeCss } : null
  return {
    bytes: parts.bytes,
    skipped,
    mayBeCss,
    originOf: (offset) => decoder.originOf(parts.originOf(offset)),
  }
}

const NOTHING = { bytes: Buffer.alloc(0), originOf: (offset: number) => offset }

class Decoder {
  /** Whether a backslash is followed by hexadecimal digits, as in CSS. */
  mayBeCss = false
  readonly #bytes: Buffer
  readonly #isCss: boolean
  readonly #joints: Joints
  // Offsets of input and output, ascending.
  readonly #ins: number[] = [0]
  readonly #outs: number[] = [0]

  constructor(bytes: Buffer, { reach, syntax, throughBackslashes = false }: UnescapeOptions) {
    this.#bytes = bytes
    this.#isCss = syntax === 'css'
    this.#joints = new Joints(bytes, reach, throughBackslashes)
  }

  get skipped(): SkippedJoint[] {
    return this.#joints.skipped
  }

  /** Decodes from an offset of the input on, until the output is full. */
  decode(start: number, out: Buffer, regions: Regions): { at: number; to: number } {
    const bytes = this.#bytes
    const special = this.#isCss ? SPECIAL_IN_CSS : SPECIAL
    const [end, full] = [bytes.length, out.length]
    let [at, to, checkpoint] = [start, 0, start + CHECKPOINT]
    while (at < end && to < full) {
      const byte = bytes[at]!
      if (!special[byte]) {
        out[to++] = byte
        at++
        continue
      }
      // Most escapes of a source map are of one letter.
      const letter = byte === BACKSLASH && !this.#isCss ? shortEscape(bytes[at + 1]!) : 0
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
        if (this.#isCss) return readCssEscape(bytes, at)
        if (HEX_DIGIT[next]) this.mayBeCss = true
        return at + 1 < bytes.length ? readBackslash(bytes, at) : null
      case PERCENT:
        return readPercent(bytes, at)
      case AMPERSAND:
        return readEntity(bytes, at)
      case BRACKET:
        return DIGIT_OR_SPACE[next] ? readNumbers(bytes, at) : null
      case PARENTHESIS:
        return DIGIT[next] ? readNumbers(bytes, at) : null
      default: {
        const joined = byte === DOLLAR && next !== 0x7b ? 0 : this.#joints.endAt(at)
        return joined ? { value: '', end: joined } : null
      }
    }
  }

  /** Decodes again from the last checkpoint before an offset of the output. */
  originOf(offset: number): number {
    const index = indexIn(this.#outs, offset)
    const out = Buffer.allocUnsafe(offset - this.#outs[index]!)
    return this.decode(this.#ins[index]!, out, new Regions(0)).at
  }
}
