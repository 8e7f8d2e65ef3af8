import type { Buffer } from 'node:buffer'

const [QUOTE, APOSTROPHE, BACKTICK] = [0x22, 0x27, 0x60]
const [PLUS, COMMA, SLASH, STAR, CLOSING_BRACE] = [0x2b, 0x2c, 0x2f, 0x2a, 0x7d]
const isQuote = (byte: number | undefined) =>
  byte === QUOTE || byte === APOSTROPHE || byte === BACKTICK

/** White space of one byte, and the parentheses of a sum. */
const GAP = new Uint8Array(256)
for (const character of ' \t\n\v\f\r()') GAP[character.charCodeAt(0)] = 1
/** White space of several bytes, by its first byte. */
const WIDE_SPACES: Record<number, RegExp> = {
  0xc2: /^\xc2\xa0/,
  0xe1: /^\xe1\x9a\x80/,
  0xe2: /^\xe2(?:\x80[\x80-\x8a\xa8\xa9\xaf]|\x81\x9f)/,
  0xe3: /^\xe3\x80\x80/,
  0xef: /^\xef\xbb\xbf/,
}

const CONCAT = '.concat('

/** A joint that is not read, because its line comment may end inside a string of JSON. */
export interface SkippedJoint {
  start: number
  end: number
}

/**
 * Finds where two strings are joined in code: `' + '`, `${'`, `'}`, `'.concat('`, with white space,
 * parentheses and comments between. Each comment is read once, so that the time is linear.
 *
 * @param reach distance after which an open template or call counts as closed.
 * @param throughBackslashes whether a line comment may contain a backslash. In JSON, its line may end
 *   at an escaped `\n`, and the next view reads it.
 */
export class Joints {
  readonly skipped: SkippedJoint[] = []
  readonly #bytes: Buffer
  readonly #reach: number
  readonly #throughBackslashes: boolean
  #templateAt = -Infinity
  #concatAt = -Infinity
  /** Ends of gaps, by the comments in them. */
  readonly #gapEnds = new Map<number, number>()
  #skippedTo = 0
  readonly #commentEnds: Occurrences
  readonly #lineFeeds: Occurrences
  readonly #backslashes: Occurrences

  constructor(bytes: Buffer, reach: number, throughBackslashes: boolean) {
    this.#commentEnds = new Occurrences(bytes, '*/')
    this.#lineFeeds = new Occurrences(bytes, '\n')
    this.#backslashes = new Occurrences(bytes, '\\')
    this.#bytes = bytes
    this.#reach = 2 * reach
    this.#throughBackslashes = throughBackslashes
  }

  /** Returns the offset after the joint that starts at a quote or at `${`, or 0 if there is none. */
  endAt(at: number): number {
    const bytes = this.#bytes
    if (!isQuote(bytes[at])) {
      const end = this.#gapEnd(at + 2)
      if (!isQuote(bytes[end])) return 0
      this.#templateAt = at
      return end + 1
    }
    const end = this.#gapEnd(at + 1)
    const next = bytes[end]
    if (next === PLUS) return this.#quoteAfter(end + 1)
    if (next === CLOSING_BRACE) return this.#isNear(this.#templateAt, at) ? end + 1 : 0
    if (next === COMMA) return this.#isNear(this.#concatAt, at) ? this.#quoteAfter(end + 1) : 0
    if (next !== 0x2e || bytes.toString('latin1', end, end + CONCAT.length) !== CONCAT) return 0
    const start = this.#quoteAfter(end + CONCAT.length)
    if (start) this.#concatAt = at
    return start
  }

  #isNear(opened: number, at: number): boolean {
    return opened >= 0 && opened <= at && at - opened <= this.#reach
  }

  #quoteAfter(at: number): number {
    const end = this.#gapEnd(at)
    return isQuote(this.#bytes[end]) ? end + 1 : 0
  }

  #gapEnd(start: number): number {
    const comments: number[] = []
    let at = start
    for (;;) {
      at = this.#spaceEnd(at)
      const known = this.#gapEnds.get(at)
      const next = known ?? this.#commentEnd(at)
      if (known === undefined && next !== at) {
        comments.push(at)
        at = next
        continue
      }
      for (const comment of comments) this.#gapEnds.set(comment, next)
      return next
    }
  }

  #spaceEnd(at: number): number {
    const bytes = this.#bytes
    for (;;) {
      const byte = bytes[at]!
      if (GAP[byte]) at++
      else {
        const wide = byte >= 0xc2 && WIDE_SPACES[byte]?.exec(bytes.toString('latin1', at, at + 3))
        if (!wide) return at
        at += wide[0].length
      }
    }
  }

  /** Returns the offset after a comment, or the offset itself if no comment starts there. */
  #commentEnd(at: number): number {
    const bytes = this.#bytes
    if (bytes[at] !== SLASH) return at
    if (bytes[at + 1] === STAR) {
      const end = this.#commentEnds.from(at + 2)
      return end === -1 ? at : end + 2
    }
    if (bytes[at + 1] !== SLASH) return at
    const lineFeed = this.#lineFeeds.from(at + 2)
    if (lineFeed === -1) return at
    if (this.#throughBackslashes) return lineFeed
    const backslash = this.#backslashes.from(at + 2)
    if (backslash === -1 || backslash > lineFeed) return lineFeed
    if (at >= this.#skippedTo) {
      this.skipped.push({ start: at, end: lineFeed })
      this.#skippedTo = lineFeed
    }
    return at
  }
}

/** Finds the next occurrence of a byte sequence repeatedly, without reading bytes twice. */
export class Occurrences {
  readonly #bytes: Buffer
  readonly #text: string
  #start = Infinity
  #found = -1

  readonly #none: number

  /** @param none returned by `from` after the last occurrence. */
  constructor(bytes: Buffer, text: string, none = -1) {
    this.#bytes = bytes
    this.#text = text
    this.#none = none
  }

  /** Returns the first occurrence at or after an offset. */
  from(offset: number): number {
    const isKnown = offset >= this.#start && (this.#found === -1 || offset <= this.#found)
    if (!isKnown) {
      this.#start = offset
      this.#found = this.#bytes.indexOf(this.#text, offset, 'latin1')
    }
    return this.#found === -1 ? this.#none : this.#found
  }
}
