import { Buffer } from 'node:buffer'

/** Decoded pieces, one after the other, separated by a byte 0. */
export interface Batch {
  encoding: string
  bytes: Buffer
  /** Offsets of the pieces in `bytes`. */
  starts: number[]
  /** Returns the offset in the input of an offset of `bytes`. */
  originOf(offset: number): number
}

/** Decodes runs of digits into one buffer. */
export class BatchWriter {
  length = 0
  readonly #encoding: string
  readonly #bytes: Buffer
  readonly #values: Int8Array
  readonly #width: number
  readonly #shortest: number
  #out = Buffer.alloc(0)
  /** Offsets of the pieces in the output and in the input. */
  #starts: number[] = []
  #origins: number[] = []

  /**
   * @param values the value of each digit, and -1 for bytes that are not digits.
   * @param width bits of a digit.
   * @param shortest number of bytes of the shortest pattern.
   */
  constructor(encoding: string, bytes: Buffer, values: Int8Array, width: number, shortest: number) {
    this.#encoding = encoding
    this.#bytes = bytes
    this.#values = values
    this.#width = width
    this.#shortest = shortest
  }

  /** Decodes a run from each offset at which a byte may start. */
  add(start: number, end: number): void {
    // Number of digits after which bytes and digits are aligned again.
    const offsets = this.#width === 6 ? 4 : this.#width === 5 ? 8 : 2
    this.#reserve(offsets * (end - start + 1))
    for (let skip = 0; skip < offsets; skip++) this.#decode(start + skip, end)
  }

  #decode(start: number, end: number): void {
    const width = this.#width
    if (((end - start) * width) / 8 < this.#shortest) return
    const [input, values, out] = [this.#bytes, this.#values, this.#out]
    let to = this.length
    this.#starts.push(to)
    this.#origins.push(start)
    for (let at = start, bits = 0, kept = 0; at < end; at++) {
      const value = values[input[at]!]!
      // White space between lines.
      if (value < 0) continue
      kept = ((kept << width) | value) & 0xffff
      bits += width
      if (bits < 8) continue
      bits -= 8
      out[to++] = (kept >> bits) & 0xff
    }
    out[to++] = 0
    this.length = to
  }

  #reserve(more: number): void {
    if (this.length + more <= this.#out.length) return
    const out = Buffer.allocUnsafe(2 * (this.length + more))
    this.#out.copy(out, 0, 0, this.length)
    this.#out = out
  }

  /** Returns the decoded pieces, and resets the batch. */
  batch(): Batch {
    const [starts, origins, width] = [this.#starts, this.#origins, this.#width]
    const bytes = this.#out.subarray(0, this.length)
    this.length = 0
    this.#out = Buffer.alloc(0)
    this.#starts = []
    this.#origins = []
    return {
      encoding: this.#encoding,
      bytes,
      starts,
      originOf(offset) {
        const index = indexIn(starts, offset)
        return origins[index]! + Math.floor(((offset - starts[index]!) * 8) / width)
      },
    }
  }
}

/** Returns the index of the last number that is not greater. The numbers are in ascending order. */
export function indexIn(numbers: number[], wanted: number): number {
  let [low, high] = [0, numbers.length]
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if (numbers[middle]! <= wanted) low = middle
    else high = middle
  }
  return low
}

/**
 * Returns the parts that are text, which may be encoded again. A run that is decoded with the wrong
 * alignment has hardly any consecutive bytes of text.
 */
export function textsIn({ encoding, bytes, originOf }: Batch, shortest: number): Batch | null {
  const out = Buffer.allocUnsafe(bytes.length + 1)
  const starts: number[] = []
  const origins: number[] = []
  let to = 0
  for (let at = 0; at < bytes.length; at++) {
    const end = textEnd(bytes, at)
    if (end - at >= shortest) {
      starts.push(to)
      origins.push(at)
      to += bytes.copy(out, to, at, end)
      out[to++] = 0
    }
    at = end
  }
  if (!to) return null
  return {
    encoding,
    bytes: out.subarray(0, to),
    starts,
    originOf(offset) {
      const index = indexIn(starts, offset)
      return originOf(origins[index]! + offset - starts[index]!)
    },
  }
}

/** Returns the offset where UTF-8 without control characters ends. */
function textEnd(bytes: Buffer, at: number): number {
  for (;;) {
    const byte = bytes[at]!
    if ((byte >= 0x20 && byte < 0x7f) || (byte >= 0x09 && byte <= 0x0d)) at++
    else if (byte >= 0xc2 && byte < 0xf5) {
      const length = byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4
      for (let next = 1; next < length; next++) if ((bytes[at + next]! & 0xc0) !== 0x80) return at
      at += length
    } else return at
  }
}
