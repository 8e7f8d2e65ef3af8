import { Buffer } from 'node:buffer'
import { indexIn } from './batch.js'
import { IN_BASE64 } from './packed.js'

/** Some parts of a buffer, one after the other. */
export interface Parts {
  bytes: Buffer
  /** Converts an offset of `bytes` to an offset in the complete buffer. */
  originOf(offset: number): number
}

/** Collects the parts of a buffer near decoded escapes. The rest was searched before decoding. */
export class Regions {
  readonly #reach: number
  readonly #starts: number[] = []
  readonly #ends: number[] = []
  #last = 0

  constructor(reach: number) {
    this.#reach = reach
  }

  /** @param offset the offset of a decoded escape; offsets must ascend. */
  add(offset: number): void {
    if (!this.#starts.length || offset - this.#last > 2 * this.#reach) {
      if (this.#starts.length) this.#ends.push(this.#last + this.#reach)
      this.#starts.push(Math.max(0, offset - this.#reach))
    }
    this.#last = offset
  }

  /** Extends the last region to an escape that is decoded to the bytes before this offset. */
  extend(offset: number): void {
    this.#last = offset
  }

  /** @returns null if nothing was decoded. */
  end(whole: Buffer): Parts | null {
    if (!this.#starts.length) return null
    this.#ends.push(this.#last + this.#reach)
    const pieces: Buffer[] = []
    const starts: number[] = []
    const offsets: number[] = []
    let length = 0
    let done = 0
    for (let index = 0; index < this.#starts.length; index++) {
      let [start, end] = [this.#starts[index]!, Math.min(this.#ends[index]!, whole.length)]
      if (end <= done) continue
      // Encoded data must be decoded from its start.
      start = Math.max(start, done)
      while (start > done && IN_BASE64[whole[start - 1]!]) start--
      while (end < whole.length && IN_BASE64[whole[end]!]) end++
      if (pieces.length && start > done) {
        pieces.push(SEPARATOR)
        length++
      }
      starts.push(start)
      offsets.push(length)
      pieces.push(whole.subarray(start, end))
      length += end - start
      done = end
    }
    // Nothing is left of the part: all its bytes were line continuations or similar escapes.
    if (!pieces.length) return { bytes: whole.subarray(0, 0), originOf: () => 0 }
    return {
      bytes: pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces),
      originOf(offset) {
        const index = indexIn(offsets, offset)
        return starts[index]! + offset - offsets[index]!
      },
    }
  }
}

/** Separates two parts. */
const SEPARATOR = Buffer.alloc(1)
