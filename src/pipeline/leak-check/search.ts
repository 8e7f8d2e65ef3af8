/** A byte sequence to look for, and whose it is. */
export interface Pattern {
  bytes: Uint8Array
  /** The secret's name. */
  name: string
  /** How the plaintext is written there: `as it is`, `base64`, … */
  encoding: string
}

export interface Hit {
  pattern: Pattern
  offset: number
}

const BLOCK = 3
const hash = (a: number, b: number, c: number) => (a ^ (b << 5) ^ (c << 10)) & 0xffff
const blockAt = (bytes: Uint8Array, last: number) =>
  hash(bytes[last - 2]!, bytes[last - 1]!, bytes[last]!)

/** Finds the first hit of each pattern. */
export interface Search {
  (haystack: Uint8Array): Hit[]
  sought: Sought
}

/** What all patterns have in common, by which most of an output is known to hold none of them. */
export interface Sought {
  /** The bytes of the longest. */
  longest: number
  /** A table of 256: 1 for each byte that stands in any. */
  has: Uint8Array
}

/** A pattern, and where in it the window lies. */
interface Anchored {
  pattern: Pattern
  anchor: number
}

/** In how many places of a pattern the window is tried. */
const ANCHORS = 16

/**
 * Looks for many patterns in one pass (Wu and Manber, "A fast algorithm for multi-pattern
 * searching", 1994): a table tells for any three bytes how far the window may jump.
 *
 * A secret of a megabyte has tens of thousands of lines that may all begin alike, so the window lies
 * where fewest other patterns have theirs, and not at the beginning as in the paper.
 *
 * @param patterns each at least 3 bytes long; the shortest decides how far a jump can be.
 */
export function searcher(patterns: Pattern[]): Search {
  const window = patterns.reduce((least, { bytes }) => Math.min(least, bytes.length), 255)
  const jumps = new Uint8Array(0x10000).fill(window - BLOCK + 1)
  const buckets: Anchored[][] = []
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
    const hits = new Map<Pattern, Hit>()
    let end = window - 1
    while (end < haystack.length) {
      const key = blockAt(haystack, end)
      const jump = jumps[key]!
      if (jump) {
        end += jump
        continue
      }
      for (const { pattern, anchor } of buckets[key]!) {
        const offset = end - window + 1 - anchor
        if (standsAt(haystack, offset, pattern.bytes) && !hits.has(pattern))
          hits.set(pattern, { pattern, offset })
      }
      end++
    }
    return [...hits.values()]
  }
  return Object.assign(search, { sought: soughtIn(patterns) })
}

function soughtIn(patterns: Pattern[]): Sought {
  const has = new Uint8Array(256)
  for (const { bytes } of patterns) for (const byte of bytes) has[byte] = 1
  return { has, longest: patterns.reduce((most, { bytes }) => Math.max(most, bytes.length), 0) }
}

function leastCrowded(bytes: Uint8Array, window: number, buckets: Anchored[][]): number {
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

function standsAt(haystack: Uint8Array, offset: number, bytes: Uint8Array): boolean {
  if (offset < 0 || offset + bytes.length > haystack.length) return false
  for (let i = 0; i < bytes.length; i++) if (haystack[offset + i] !== bytes[i]) return false
  return true
}
