import type { Buffer } from 'node:buffer'
import { brotliDecompressSync, constants, gunzipSync, inflateRawSync, inflateSync } from 'node:zlib'

/** What decompresses to more bytes than this is not searched. */
const LARGEST = 1 << 26
const ZLIB = { maxOutputLength: LARGEST, finishFlush: constants.Z_SYNC_FLUSH }
const BROTLI = { maxOutputLength: LARGEST, finishFlush: constants.BROTLI_OPERATION_FLUSH }
const ZIP_ENTRY = 'PK\x03\x04'

/** Returns whether gzip, zlib or a zip file may begin at an offset. */
export function hasHeader(bytes: Buffer, at: number): boolean {
  const [first, second] = [bytes[at]!, bytes[at + 1]!]
  return (first === 0x1f && second === 0x8b) || isZlib(first, second) || isZip(bytes, at)
}

/** RFC 1950: method 8, a window of at most 32 KB, and a check value. */
const isZlib = (first: number, second: number) =>
  (first & 0x8f) === 0x08 && ((first << 8) | second) % 31 === 0

const isZip = (bytes: Buffer, at: number) =>
  bytes[at] === 0x50 && bytes.toString('latin1', at, at + 4) === ZIP_ENTRY

/** Decompresses gzip, zlib and the entries of a zip file. */
export function* decompress(bytes: Buffer): Generator<Buffer> {
  if (bytes[0] === 0x1f) yield* gzip(bytes)
  else if (isZip(bytes, 0)) yield* zipEntries(bytes)
  else yield* attempt(() => inflateSync(bytes, ZLIB))
}

/** zlib refuses a member that other bytes follow, as they may in a run of base64: the first is read then. */
function* gzip(bytes: Buffer): Generator<Buffer> {
  let isRead = false
  for (const decoded of attempt(() => gunzipSync(bytes, ZLIB))) {
    isRead = true
    yield decoded
  }
  if (!isRead) yield* attempt(() => inflateRawSync(bytes.subarray(gzipHeader(bytes)), ZLIB))
}

/** RFC 1952, 2.3: the length of a header, which may have an extra field, a name, a comment and a CRC. */
function gzipHeader(bytes: Buffer): number {
  const flags = bytes[3]!
  let end = 10
  if (flags & 4) end += 2 + bytes[end]! + bytes[end + 1]! * 0x100
  if (flags & 8) end = bytes.indexOf(0, end) + 1
  if (flags & 16) end = bytes.indexOf(0, end) + 1
  return flags & 2 ? end + 2 : end
}

/** Decompresses Brotli and raw deflate, which have no header. */
export function* decompressHeaderless(bytes: Buffer): Generator<Buffer> {
  yield* attempt(() => brotliDecompressSync(bytes, BROTLI))
  yield* attempt(() => inflateRawSync(bytes, ZLIB))
}

/** APPNOTE.TXT, 4.3.7: method at 8, lengths of the name and the extra field at 26 and 28. */
function* zipEntries(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at !== -1; at = bytes.indexOf(ZIP_ENTRY, at + 4, 'latin1')) {
    if (at + 30 > bytes.length || bytes.readUInt16LE(at + 8) !== 8) continue
    const start = at + 30 + bytes.readUInt16LE(at + 26) + bytes.readUInt16LE(at + 28)
    yield* attempt(() => inflateRawSync(bytes.subarray(start), ZLIB))
  }
}

function* attempt(decode: () => Buffer): Generator<Buffer> {
  try {
    const decoded = decode()
    if (decoded.length) yield decoded
  } catch {
    // Not compressed, or too large.
  }
}
