import { Buffer } from 'node:buffer'
import { IN_DATA_URL } from './data-url.js'

const BACKSLASH = 0x5c
/** More bytes than a data URL has before its comma, or a sum between its texts. */
const LONGEST_BETWEEN = 1000

/** What was changed of some bytes, and what stands around it. */
export interface Excerpt {
  bytes: Buffer
  /** Where in the input an offset of `bytes` stands. */
  originOf(offset: number): number
}

/**
 * Takes the changes of one pass over some bytes, in their order, and as much around each as something
 * sought may reach over.
 *
 * @param longest how many bytes that has at most.
 * @param idle what an escape says that is no change, by the letter behind the backslash; else 0.
 */
export function createExcerpt(bytes: Buffer, longest: number, idle: Uint8Array) {
  const reach = longest + LONGEST_BETWEEN
  // Nothing says more than it stands for.
  const out = Buffer.allocUnsafe(bytes.length)
  let to = 0
  // Offsets of input and output, ascending, from which on the two run side by side.
  const ins: number[] = []
  const outs: number[] = []
  /** Up to where the input is taken, or left out. */
  let done = 0
  /** Up to where it is to be taken at least. */
  let wanted = 0

  function goOnAt(at: number) {
    done = at
    ins.push(at)
    outs.push(to)
  }

  function take(until: number) {
    let at = done
    while (at < until) {
      const byte = bytes[at++]!
      const said = byte === BACKSLASH && idle[bytes[at]!]
      out[to++] = said || byte
      if (said) goOnAt(++at)
    }
    done = at
  }

  /** Has what stands from here to `end`, and around it, in the excerpt. */
  function bring(at: number, end = at) {
    const isFirst = !ins.length
    if (isFirst || at - Math.max(done, wanted) > 2 * reach) {
      const start = startBefore(at)
      if (isFirst) goOnAt(start)
      else {
        take(endBehind(at))
        if (done < start) {
          // Stands in nothing sought, or nearly so.
          out[to++] = 0
          goOnAt(start)
        }
      }
    }
    take(at)
    wanted = Math.max(wanted, end)
  }

  function startBefore(at: number): number {
    // What a data URL says is read from its beginning.
    let start = Math.max(done, at - reach)
    while (start > done && IN_DATA_URL[bytes[start - 1]!]) start--
    return Math.max(done, start - LONGEST_BETWEEN)
  }

  function endBehind(limit: number): number {
    let end = Math.min(limit, Math.max(done, wanted) + reach)
    while (end < limit && IN_DATA_URL[bytes[end]!]) end++
    return end
  }

  return {
    reach,
    bring,

    /** @param said instead of what stands from `at` to `end`; a number is a byte. */
    change(at: number, end: number, said: number | string) {
      bring(at)
      if (typeof said === 'number') out[to++] = said
      else to += out.write(said, to)
      goOnAt(end)
    },

    /** @returns null where there was no change. */
    end(): Excerpt | null {
      if (!ins.length) return null
      take(endBehind(bytes.length))
      return {
        bytes: out.subarray(0, to),
        originOf(offset) {
          let [low, high] = [0, outs.length]
          while (high - low > 1) {
            const middle = (low + high) >> 1
            if (outs[middle]! <= offset) low = middle
            else high = middle
          }
          return ins[low]! + offset - outs[low]!
        },
      }
    },
  }
}
