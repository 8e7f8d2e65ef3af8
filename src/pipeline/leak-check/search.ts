/** A byte sequence to search for. */
export interface Pattern {
  bytes: Uint8Array
  /** The secret's name. */
  name: string
  /** The form of the plaintext: `as it is`, `trimmed`, … */
  encoding: string
  /** Bytes that the plaintext takes up, if not those of `bytes`. */
  reach?: number
  /**
   * Returns the offset of the plaintext that contains an occurrence of `bytes`, or -1 if the rest of it is
   * not there. Absent if `bytes` is the complete plaintext.
   */
  startOf?(haystack: Uint8Array, offset: number): number
}

export interface Hit {
  pattern: Pattern
  offset: number
}

/** Finds the first occurrence of each pattern. */
export interface Search {
  (haystack: Uint8Array): Hit[]
  sought: PatternLengths
}

/** Bytes of the longest and of the shortest pattern. */
export interface PatternLengths {
  longest: number
  shortest: number
}

const BLOCK = 3
const hash = (a: number, b: number, c: number) => (a ^ (b << 5) ^ (c << 10)) & 0xffff
const blockAt = (bytes: Uint8Array, last: number) =>
  hash(bytes[last - 2]!, bytes[last - 1]!, bytes[last]!)

/** A pattern, with the offset of its window. */
interface AnchoredPattern {
  pattern: Pattern
  anchor: number
}

/** Number of offsets in a pattern at which the bytes that are looked up first (its window) may start. */
const ANCHORS = 16
/** Maximum number of comparisons per byte. A pattern that needs more is searched for in linear time. */
const MOST_COMPARED = 4

/**
 * Searches for many patterns in one pass (Wu and Manber, "A fast algorithm for multi-pattern
 * searching", 1994): a table contains, for every three bytes, how far the window may jump.
 *
 * A secret of a megabyte has tens of thousands of lines that may share a prefix. So the window of a pattern
 * is where the fewest other patterns have theirs, not at the beginning as in the paper.
 *
 * @param patterns each at least 3 bytes long; the shortest decides how far a jump can be.
 */
export function searcher(patterns: Pattern[]): Search {
  const window = patterns.reduce((least, { bytes }) => Math.min(least, bytes.length), 255)
  const jumps = new Uint8Array(0x10000).fill(window - BLOCK + 1)
  const buckets: AnchoredPattern[][] = []
  for (const pattern of patterns) {
    const { bytes } = pattern
    const anchor = leastCrowded(bytes, window, buckets)
    for (let end = BLOCK - 1; end < window; end++) {
      const key = blockAt(bytes, anchor + end)
      jumps[key] = Math.min(jumps[key]!, window - 1 - end)
    }
    const bucket = (buckets[blockAt(bytes, anchor + window - 1)] ??= [])
    bucket.push({ pattern, anchor })
  }
  const search = (haystack: Uint8Array) => {
    const found = new FoundPatterns(haystack)
    let end = window - 1
    while (end < haystack.length) {
      const key = blockAt(haystack, end)
      const jump = jumps[key]!
      if (jump) {
        end += jump
        continue
      }
      for (const { pattern, anchor } of buckets[key]!)
        found.compare(pattern, end - window + 1 - anchor)
      end++
    }
    return found.hits
  }
  return Object.assign(search, { sought: soughtIn(patterns) })
}

function soughtIn(patterns: Pattern[]): PatternLengths {
  const lengths = patterns.map(({ bytes, reach }) => reach ?? bytes.length)
  return {
    longest: lengths.reduce((most, length) => Math.max(most, length), 0),
    shortest: lengths.reduce((least, length) => Math.min(least, length), Infinity),
  }
}

function leastCrowded(bytes: Uint8Array, window: number, buckets: AnchoredPattern[][]): number {
  const last = bytes.length - window
  const step = Math.max(1, Math.floor(last / (ANCHORS - 1)))
  let best = 0
  let fewest = Infinity
  for (let anchor = 0; anchor <= last && fewest; anchor += step) {
    const crowd = buckets[blockAt(bytes, anchor + window - 1)]?.length ?? 0
    if (crowd < fewest) [best, fewest] = [anchor, crowd]
  }
  return best
}

/** The patterns of one search that were found, and the cost of comparing the others. */
class FoundPatterns {
  readonly #haystack: Uint8Array
  readonly #hits = new Map<Pattern, Hit>()
  readonly #compared = new Map<Pattern, number>()

  constructor(haystack: Uint8Array) {
    this.#haystack = haystack
  }

  get hits(): Hit[] {
    return [...this.#hits.values()].filter(({ offset }) => offset !== -1)
  }

  compare(pattern: Pattern, offset: number): void {
    if (this.#hits.has(pattern)) return
    const haystack = this.#haystack
    const { bytes, startOf } = pattern
    const equal = equalBytes(haystack, offset, bytes)
    if (equal === bytes.length) {
      const start = startOf ? startOf(haystack, offset) : offset
      if (start !== -1) this.#hits.set(pattern, { pattern, offset: start })
    } else if (equal > 64 && !startOf) {
      // A pattern that repeats itself would be compared again and again.
      const compared = (this.#compared.get(pattern) ?? 0) + equal
      this.#compared.set(pattern, compared)
      if (compared > MOST_COMPARED * haystack.length)
        this.#hits.set(pattern, { pattern, offset: indexOfRepetitive(haystack, bytes) })
    }
  }
}

/** Returns the number of equal bytes from an offset on, or -1 if the haystack is too short. */
function equalBytes(haystack: Uint8Array, offset: number, bytes: Uint8Array): number {
  if (offset < 0 || offset + bytes.length > haystack.length) return -1
  let at = 0
  while (at < bytes.length && haystack[offset + at] === bytes[at]) at++
  return at
}

/** Returns whether a byte sequence occurs at an offset. */
export const hasAt = (haystack: Uint8Array, offset: number, bytes: Uint8Array): boolean =>
  equalBytes(haystack, offset, bytes) === bytes.length

/** Searches in linear time, whatever the pattern (Knuth, Morris and Pratt, 1977). */
export function indexOfRepetitive(haystack: Uint8Array, bytes: Uint8Array): number {
  const borders = new Int32Array(bytes.length)
  for (let at = 1, border = 0; at < bytes.length; at++) {
    while (border && bytes[at] !== bytes[border]) border = borders[border - 1]!
    if (bytes[at] === bytes[border]) border++
    borders[at] = border
  }
  for (let at = 0, equal = 0; at < haystack.length; at++) {
    while (equal && haystack[at] !== bytes[equal]) equal = borders[equal - 1]!
    if (haystack[at] === bytes[equal]) equal++
    if (equal === bytes.length) return at - equal + 1
  }
  return -1
}
