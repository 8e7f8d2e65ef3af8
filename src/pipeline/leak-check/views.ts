import { Buffer } from 'node:buffer'
import {
  decompress,
  decompressHeaderless,
  decompressZlib,
  hasZlibHeader,
  type Budget,
} from './decompress.js'
import { textsIn, type Batch } from './batch.js'
import { unpack } from './packed.js'
import type { PatternLengths } from './search.js'
import { unescape, type DecodedParts } from './unescape.js'
import { fromUtf16 } from './utf16.js'

/** An output, or a part of it, decoded in one way. */
export interface View {
  /** How the output was decoded, to follow the place in a message: ` (unescaped)`. Empty for the output itself. */
  reading: string
  /** The encoding that was decoded last, if it was `base64` or `hex`. */
  encoding?: string | undefined
  /** Returns the encoding of a part, if it has a name. */
  encodingOf?(start: number, end: number): string | undefined
  bytes: Buffer
  /** Returns `line:column` of an offset, in the output itself unless the view was decompressed. */
  placeOf(offset: number): string
}

/** Nesting of encodings that is decoded. */
const DEEPEST = 8
/** Bytes of views per byte of an output. Only hostile outputs reach this limit. */
const LARGEST = 40
/** Minimum limit for bytes of views, so that small compressed outputs are searched. */
const LEAST = 1 << 24
/** Number of strings of an output that are decompressed, and that are tried as Brotli and raw deflate. */
const MOST_COMPRESSED = 1000
const MOST_HEADERLESS = 500
/** Bytes that may decompress to a pattern of any length. */
const SHORTEST_COMPRESSED = 12
/** Bytes around a decoded escape for white space and quotes, in addition to a pattern. */
const SLACK = 256

interface Limits extends Budget {
  sought: PatternLengths
  headerless: number
}

/**
 * Decodes an output in every way in which it may contain a plaintext: escapes of JavaScript, JSON, CSS,
 * URLs and HTML, joined strings, base64, hexadecimal, compressed data and UTF-16, inside each other.
 * The time is linear in the length of the output.
 *
 * @param name the name of the output, whose extension identifies Brotli, which has no header.
 */
export function* views(
  content: string | Uint8Array,
  sought: PatternLengths,
  name = '',
): Generator<View, void> {
  const bytes = typeof content === 'string' ? Buffer.from(content) : bytesOf(content)
  const limits = {
    sought,
    left: LARGEST * bytes.length + LEAST,
    compressed: MOST_COMPRESSED,
    headerless: MOST_HEADERLESS,
  }
  yield* read(own(bytes, ''), limits, 0)
  if (/\.(?:br|zz|deflate)$/.test(name))
    for (const inner of decompressHeaderless(bytes, limits))
      yield* read(own(inner, ' (decompressed)'), limits, 1)
}

/** Returns the same memory as a Buffer. */
export const bytesOf = ({ buffer, byteOffset, length }: Uint8Array): Buffer =>
  Buffer.from(buffer, byteOffset, length)

const own = (bytes: Buffer, reading: string): View => ({
  reading,
  bytes,
  placeOf: (offset) => placeIn(bytes, offset),
})

function* read(view: View, limits: Limits, depth: number, inSyntax = false): Generator<View, void> {
  limits.left -= view.bytes.length
  if (limits.left < 0) return
  yield view
  if (depth === DEEPEST) return
  const { bytes } = view
  for (const inner of compressed(bytes, limits))
    yield* read(own(inner, ' (decompressed)'), limits, depth + 1)
  const utf16 = fromUtf16(bytes)
  if (utf16) yield* read(own(utf16, ' (in UTF-16)'), limits, depth + 1)
  yield* unescaped(view, limits, depth, inSyntax)
  yield* unpacked(view, limits, depth)
}

function* unescaped(view: View, limits: Limits, depth: number, inSyntax: boolean) {
  const reach = limits.sought.longest + SLACK
  const decoded = unescape(view.bytes, { reach })
  if (!decoded) return
  if (decoded.bytes.length) yield* read(withNames(view, decoded), limits, depth + 1, inSyntax)
  yield* skippedJoints(view, decoded, reach, limits, depth)
  if (inSyntax) return
  for (const syntax of decoded.others) {
    const other = unescape(view.bytes, { reach, syntax })
    if (other) yield* read(within(view, other), limits, depth + 1, true)
  }
}

/** Reads skipped joints with a backslash in their comment, because the output may be code, not JSON. */
function* skippedJoints(
  { bytes, placeOf }: View,
  { skipped }: DecodedParts,
  reach: number,
  limits: Limits,
  depth: number,
) {
  const parts: { start: number; end: number }[] = []
  for (const { start, end } of skipped) {
    const last = parts.at(-1)
    if (last && start - reach <= last.end) last.end = end + reach
    else parts.push({ start: Math.max(0, start - reach), end: end + reach })
  }
  for (const { start, end } of parts) {
    const decoded = unescape(bytes.subarray(start, end), { reach, throughBackslashes: true })
    if (!decoded?.bytes.length) continue
    const part = { placeOf: (offset: number) => placeOf(start + offset) }
    yield* read(within(part, decoded), limits, depth + 1)
  }
}

const within = (
  { placeOf }: Pick<View, 'placeOf'>,
  { bytes, originOf }: Pick<DecodedParts, 'bytes' | 'originOf'>,
  reading = ' (unescaped)',
  encoding?: string,
): View => ({ reading, encoding, bytes, placeOf: (offset) => placeOf(originOf(offset)) })

/** Names what was decoded. */
function withNames(view: View, decoded: DecodedParts): View {
  return {
    ...within(view, decoded, ' (unescaped)', view.encoding),
    encodingOf(start, end) {
      const [from, to] = [decoded.originOf(start), decoded.originOf(end)]
      const encoded = view.bytes.toString('latin1', from, to)
      if (/%[\da-f]{2}/i.test(encoded)) return 'percent-encoded'
      return /&(?:#x?[\da-f]+|[a-z\d]+);/i.test(encoded) ? 'HTML-escaped' : undefined
    },
  }
}

function* unpacked(view: View, limits: Limits, depth: number): Generator<View, void> {
  const shortest = Math.min(limits.sought.shortest, SHORTEST_COMPRESSED)
  for (const batch of unpack(view.bytes, shortest)) {
    limits.left -= batch.bytes.length
    if (limits.left < 0) return
    const { reading } = view
    yield within(view, batch, reading, batch.encoding)
    const texts = textsIn(batch, shortest)
    if (texts) yield* read(within(view, texts, reading, batch.encoding), limits, depth + 1)
    for (const inner of compressedIn(batch, view.bytes, limits))
      yield* read(own(inner, ' (decompressed)'), limits, depth + 1)
  }
}

function* compressed(bytes: Buffer, limits: Limits): Generator<Buffer> {
  if (hasZlibHeader(bytes, 0)) yield* decompressZlib(bytes, limits)
  yield* decompress(bytes, limits)
}

/** Decompresses the pieces that have a header, and strings of mixed letters and digits as if they had none. */
function* compressedIn(
  { bytes, starts, originOf }: Batch,
  encoded: Buffer,
  limits: Limits,
): Generator<Buffer> {
  for (const [index, start] of starts.entries()) {
    const piece = () => bytes.subarray(start, (starts[index + 1] ?? bytes.length) - 1)
    if (limits.compressed > 0 && hasZlibHeader(bytes, start)) {
      limits.compressed--
      yield* decompressZlib(piece(), limits)
    }
    if (limits.headerless && isString(encoded, originOf(start))) {
      limits.headerless--
      yield* decompressHeaderless(piece(), limits)
    }
  }
  yield* decompress(bytes, limits)
}

/** Returns whether a string, or what follows the comma of a data URL, begins with mixed letters and digits. */
function isString(bytes: Buffer, at: number): boolean {
  if (at && !'"\'`,=>'.includes(String.fromCharCode(bytes[at - 1]!))) return false
  const text = bytes.toString('latin1', at, at + 48)
  return text.length > 12 && /[A-Z]/.test(text) && /[a-z]/.test(text) && /[\d+/]/.test(text)
}

/** Returns `line:column` of an offset. Both start at 1; the column is in bytes. */
function placeIn(bytes: Buffer, offset: number): string {
  const before = bytes.subarray(0, offset)
  let line = 1
  for (let at = before.indexOf(10); at !== -1; at = before.indexOf(10, at + 1)) line++
  return `${line}:${offset - before.lastIndexOf(10)}`
}
