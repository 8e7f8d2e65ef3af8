import type { Buffer } from 'node:buffer'

/** A part of the bytes of an output. */
export interface Run {
  start: number
  end: number
}

const table = (characters: string) => {
  const has = new Uint8Array(256)
  for (const character of characters) has[character.charCodeAt(0)] = 1
  return has
}
const SEPARATOR = table(':,- \t\n')
const SPACE = table(' \t\r\n')
/** Every byte of a run. */
const IN_RUN = table(':,- \t\r\n0123456789abcdefABCDEF')
const LETTERS_AND_DIGITS = 'abcdefghijklmnopqrstuvwxyz0123456789'
const IN_WORD = table(`_${LETTERS_AND_DIGITS}${LETTERS_AND_DIGITS.toUpperCase()}`)

/** Step for sampling: a run of at least 8 pairs has a separator in three bytes at each multiple of this. */
const STEP = 12

/**
 * Finds runs of two hexadecimal digits with a separator between: `63:6f:72`, `<Buffer 63 6f 72>`, also
 * over several lines.
 *
 * @param digits the value of each digit, and -1 for bytes that are not digits.
 * @param least number of bytes of the shortest run.
 */
export function* pairRuns(bytes: Buffer, digits: Int8Array, least: number): Generator<Run> {
  const pairs = new Pairs(bytes, digits)
  for (let run = pairs.next(0, STEP); run; run = pairs.next(run.end, stepAfter(run))) {
    if (run.end - run.start >= least) yield run
  }
}

const stepAfter = ({ end }: Run) => Math.max(end - (end % STEP), STEP) + STEP

class Pairs {
  readonly #bytes: Buffer
  readonly #digits: Int8Array

  constructor(bytes: Buffer, digits: Int8Array) {
    this.#bytes = bytes
    this.#digits = digits
  }

  /** Returns the first run at or after an offset. Not a generator, whose loop V8 does not optimize while it runs. */
  next(from: number, first: number): Run | null {
    const bytes = this.#bytes
    for (let at = first; at < bytes.length; at += STEP) {
      if (!IN_RUN[bytes[at]!] || !IN_RUN[bytes[at + 1]!] || !IN_RUN[bytes[at + 2]!]) continue
      const separator = this.#separatorNear(at)
      if (separator !== -1) return this.#runAt(separator, from)
    }
    return null
  }

  #runAt(separator: number, from: number): Run {
    const bytes = this.#bytes
    let start = separator - 2
    for (let before = start; ; start = before) {
      before = gapStart(bytes, start, from) - 2
      if (before < from || before + 2 === start || !this.#isPair(before)) break
    }
    let end = separator
    for (let after = separator; ; end = after + 2) {
      after = gapEnd(bytes, end)
      if (after === end || !this.#isPair(after)) break
    }
    return { start, end }
  }

  #separatorNear(at: number): number {
    for (let near = at; near < at + 3; near++)
      if (SEPARATOR[this.#bytes[near]!] && this.#isPair(near - 2) && this.#isPair(near + 1))
        return near
    return -1
  }

  #isPair(at: number): boolean {
    const [bytes, digits] = [this.#bytes, this.#digits]
    return (
      at >= 0 &&
      digits[bytes[at]!]! >= 0 &&
      digits[bytes[at + 1]!]! >= 0 &&
      !IN_WORD[bytes[at + 2]!]
    )
  }
}

/** One separator, and the white space around a line break. */
function gapEnd(bytes: Buffer, start: number): number {
  let end = start
  if (SEPARATOR[bytes[end]!]) end++
  if (SPACE[bytes[start]!] || SPACE[bytes[end]!]) while (SPACE[bytes[end]!]) end++
  return end
}

function gapStart(bytes: Buffer, end: number, from: number): number {
  let start = end
  while (start > from && SPACE[bytes[start - 1]!]) start--
  if (start > from && !SPACE[bytes[start - 1]!] && SEPARATOR[bytes[start - 1]!]) start--
  return start
}
