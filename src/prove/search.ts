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

/**
 * Looks for many patterns in one pass (Wu and Manber, "A fast algorithm for multi-pattern
 * searching", 1994): a table tells for any three bytes how far the window may jump.
 *
 * @param patterns each at least 3 bytes long; the shortest decides how far a jump can be.
 * @returns the first hit of each pattern.
 */
export function searcher(patterns: Pattern[]): (haystack: Uint8Array) => Hit[] {
  const window = patterns.reduce((least, { bytes }) => Math.min(least, bytes.length), 255)
  const jumps = new Uint8Array(0x10000).fill(window - BLOCK + 1)
  const buckets = new Map<number, Pattern[]>()
  for (const pattern of patterns) {
    const { bytes } = pattern
    for (let end = BLOCK - 1; end < window; end++) {
      const key = hash(bytes[end - 2]!, bytes[end - 1]!, bytes[end]!)
      jumps[key] = Math.min(jumps[key]!, window - 1 - end)
      if (end !== window - 1) continue
      const bucket = buckets.get(key)
      if (bucket) bucket.push(pattern)
      else buckets.set(key, [pattern])
    }
  }
  return (haystack) => {
    const hits = new Map<Pattern, Hit>()
    let end = window - 1
    while (end < haystack.length) {
      const key = hash(haystack[end - 2]!, haystack[end - 1]!, haystack[end]!)
      const jump = jumps[key]!
      if (jump) {
        end += jump
        continue
      }
      const offset = end - window + 1
      for (const pattern of buckets.get(key)!) {
        if (!hits.has(pattern) && standsAt(haystack, offset, pattern.bytes))
          hits.set(pattern, { pattern, offset })
      }
      end++
    }
    return [...hits.values()]
  }
}

function standsAt(haystack: Uint8Array, offset: number, bytes: Uint8Array): boolean {
  if (offset + bytes.length > haystack.length) return false
  for (let i = 0; i < bytes.length; i++) if (haystack[offset + i] !== bytes[i]) return false
  return true
}
