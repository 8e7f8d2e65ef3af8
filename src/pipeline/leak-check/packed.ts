import type { Buffer } from 'node:buffer'
import { BatchWriter, type Batch } from './batch.js'
import { pairRuns, type Run } from './pairs.js'

const valuesOf = (alphabet: string) => {
  const values = new Int8Array(256).fill(-1)
  for (let index = 0; index < alphabet.length; index++) values[alphabet.charCodeAt(index)] = index
  return values
}
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
const SEXTET = valuesOf(`${LETTERS}+/`)
SEXTET['-'.charCodeAt(0)] = 62
SEXTET['_'.charCodeAt(0)] = 63
const QUINTET = valuesOf('ABCDEFGHIJKLMNOPQRSTUVWXYZ234567')
const NIBBLE = valuesOf('0123456789abcdef')
for (const letter of 'ABCDEF') NIBBLE[letter.charCodeAt(0)] = parseInt(letter, 16)

/** A table of 256: 1 for each byte of base64 or base64url. */
export const IN_BASE64 = Uint8Array.from(SEXTET, (value) => +(value >= 0))

/** A line of digits may continue on the next line from this length on. */
const SHORTEST_LINE = 16
/** The start of a continued line: indentation, and a comment or quotation mark. */
const BEFORE_LINE = new Uint8Array(256)
for (const character of ' \t\r\n*#>') BEFORE_LINE[character.charCodeAt(0)] = 1
/** Decoded bytes per batch. */
const BATCH = 1 << 22

/**
 * Decodes every run of base64, base64url, base32 and hexadecimal digits, also over several lines, and
 * hexadecimal digits in pairs. A string may start anywhere in a run, so each run is decoded from each
 * offset at which a byte may start.
 *
 * @param shortest number of bytes of the shortest pattern.
 */
export function* unpack(bytes: Buffer, shortest: number): Generator<Batch> {
  const least = Math.max(6, Math.ceil((shortest * 4) / 3))
  const base64 = new BatchWriter('base64', bytes, SEXTET, 6, shortest)
  const base32 = new BatchWriter('base32', bytes, QUINTET, 5, shortest)
  const hex = new BatchWriter('hex', bytes, NIBBLE, 4, shortest)
  const writers = [base64, base32, hex]
  for (let from = 0, run; (run = nextRun(bytes, from, least)); from = run.end) {
    const { start, end } = run
    base64.add(start, end)
    addDigits(base32, QUINTET, bytes, start, end, Math.ceil((shortest * 8) / 5))
    addDigits(hex, NIBBLE, bytes, start, end, 2 * shortest)
    for (const writer of writers) if (writer.length >= BATCH) yield writer.batch()
  }
  for (const { start, end } of pairRuns(bytes, NIBBLE, 3 * shortest - 1)) {
    hex.add(start, end)
    if (hex.length >= BATCH) yield hex.batch()
  }
  for (const writer of writers) if (writer.length) yield writer.batch()
}

/**
 * Returns the first run of at least so many bytes. Most words are shorter, so only every `least`th byte is
 * read. Not a generator, whose loop V8 does not optimize while it runs.
 */
function nextRun(bytes: Buffer, after: number, least: number): Run | null {
  let from = after
  for (let at = from + least - 1; at < bytes.length; at += least) {
    if (!IN_BASE64[bytes[at]!]) {
      from = at + 1
      continue
    }
    let start = at
    while (start > from && IN_BASE64[bytes[start - 1]!]) start--
    const end = runEnd(bytes, start, at)
    if (end - start >= least) return { start, end }
    from = end
    // Continues at the last byte of the shortest run after this one.
    at = end - 1
  }
  return null
}

/** Also decodes the parts of a base64 run that may be hexadecimal or base32, and adds the text between its lines. */
function addDigits(
  writer: BatchWriter,
  values: Int8Array,
  bytes: Buffer,
  start: number,
  end: number,
  least: number,
): void {
  const isPart = (at: number) => values[bytes[at]!]! >= 0 || !IN_BASE64[bytes[at]!]
  let from = start
  for (let at = start + least - 1; at < end; at += least) {
    if (!isPart(at)) {
      from = at + 1
      continue
    }
    let first = at
    while (first > from && isPart(first - 1)) first--
    let last = at
    while (last < end && isPart(last)) last++
    if (last - first >= least) writer.add(first, last)
    from = last
    at = last - 1
  }
}

function runEnd(bytes: Buffer, start: number, at: number): number {
  let end = at
  let line = start
  for (;;) {
    while (IN_BASE64[bytes[end]!]) end++
    if (end - line < SHORTEST_LINE) return end
    let next = end
    while (BEFORE_LINE[bytes[next]!]) next++
    if (next === end || !IN_BASE64[bytes[next]!] || !bytes.subarray(end, next).includes(0x0a))
      return end
    end = next
    line = next
  }
}
