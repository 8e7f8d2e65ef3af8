import type { Buffer } from 'node:buffer'
import { IN_BASE64 } from './packed.js'

export interface Range {
  start: number
  end: number
}

/** Bytes around a change that are searched too: far more than a plaintext takes up in any encoding. */
const LEAST_MARGIN = 1 << 16
/** Bytes of a pattern's length that its encodings may take up, one inside the other. */
const LARGEST_EXPANSION = 64
/** Parts that are shorter are not compared any further. */
const SHORT = 1 << 14
const BLOCK = 1 << 16
const ANCHOR = 48

/**
 * Returns the parts of a file that are not in its earlier version, with their surroundings, whose decoding
 * may depend on the change: neighbouring bytes, and the rest of an encoded string or a list.
 *
 * @param longest the length of the longest pattern.
 * @returns null if most of the file must be searched, or if it is not text.
 */
export function changedParts(before: Buffer, after: Buffer, longest: number): Range[] | null {
  // UTF-16 and compressed data: one changed byte affects the complete file.
  if (after.includes(0) || before.includes(0)) return null
  const margin = Math.max(LEAST_MARGIN, LARGEST_EXPANSION * longest)
  const parts: Range[] = []
  const changes = differences(before, after)
  for (const { start, end } of changes.sort((a, b) => a.start - b.start)) {
    const from = tokenStart(after, Math.max(0, start - margin))
    const to = tokenEnd(after, Math.min(after.length, end + margin))
    const last = parts.at(-1)
    if (last && from <= last.end) last.end = Math.max(last.end, to)
    else parts.push({ start: from, end: to })
  }
  const length = parts.reduce((sum, { start, end }) => sum + end - start, 0)
  return length > after.length / 2 ? null : parts
}

/** Bytes of encoded strings and of lists of numbers, which are decoded from their beginning. */
const IN_TOKEN = IN_BASE64.slice()
for (const character of ' \t\r\n,\\"\'`+=*#>%&') IN_TOKEN[character.charCodeAt(0)] = 1

function tokenStart(bytes: Buffer, at: number): number {
  while (at > 0 && IN_TOKEN[bytes[at]!]) at--
  return at
}

function tokenEnd(bytes: Buffer, at: number): number {
  while (at < bytes.length && IN_TOKEN[bytes[at]!]) at++
  return at
}

/** Returns the ranges of `after` between parts that are in `before` too. An empty one is where something was removed. */
function differences(before: Buffer, after: Buffer): Range[] {
  const found: Range[] = []
  const compare = (a: Range, b: Range): void => {
    const [same, most] = [equalAtStart(before, a, after, b), Math.min(lengthOf(a), lengthOf(b))]
    const tail = Math.min(equalAtEnd(before, a, after, b), most - same)
    const oldPart = { start: a.start + same, end: a.end - tail }
    const newPart = { start: b.start + same, end: b.end - tail }
    if (!lengthOf(oldPart) && !lengthOf(newPart)) return
    const match =
      Math.min(lengthOf(oldPart), lengthOf(newPart)) > SHORT
        ? anchorIn(before, oldPart, after, newPart)
        : undefined
    if (!match) {
      found.push(newPart)
      return
    }
    // What is equal around the anchor is found from both sides.
    compare({ start: oldPart.start, end: match.before }, { start: newPart.start, end: match.after })
    compare({ start: match.before, end: oldPart.end }, { start: match.after, end: newPart.end })
  }
  compare({ start: 0, end: before.length }, { start: 0, end: after.length })
  return found
}

const lengthOf = ({ start, end }: Range) => end - start

/** Finds some bytes of the earlier version in the later one. */
function anchorIn(before: Buffer, oldPart: Range, after: Buffer, newPart: Range) {
  for (const share of [0.5, 0.25, 0.75]) {
    const at = oldPart.start + Math.floor(share * (lengthOf(oldPart) - ANCHOR))
    const index = after.indexOf(before.subarray(at, at + ANCHOR), newPart.start)
    if (index !== -1 && index + ANCHOR <= newPart.end) return { before: at, after: index }
  }
  return undefined
}

/** Returns how many bytes are equal from the beginnings on. */
function equalAtStart(before: Buffer, a: Range, after: Buffer, b: Range): number {
  const most = Math.min(lengthOf(a), lengthOf(b))
  let length = 0
  for (let step = BLOCK; length < most && step >= 1;) {
    const size = Math.min(step, most - length)
    const [x, y] = [a.start + length, b.start + length]
    if (before.compare(after, y, y + size, x, x + size) === 0) length += size
    else step >>= 1
  }
  return length
}

/** Returns how many bytes are equal up to the ends. */
function equalAtEnd(before: Buffer, a: Range, after: Buffer, b: Range): number {
  const most = Math.min(lengthOf(a), lengthOf(b))
  let length = 0
  for (let step = BLOCK; length < most && step >= 1;) {
    const size = Math.min(step, most - length)
    const [x, y] = [a.end - length, b.end - length]
    if (before.compare(after, y - size, y, x - size, x) === 0) length += size
    else step >>= 1
  }
  return length
}
