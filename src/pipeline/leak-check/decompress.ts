import type { Buffer } from 'node:buffer'
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)

/** Loads zlib at the first stream. */
const zlib = () => require('node:zlib') as typeof import('node:zlib')

/** Bytes of the largest decompressed stream that is searched. */
const LARGEST = 1 << 26
const ZIP_ENTRY = 'PK\x03\x04'
/** RFC 1952: the magic number, and method 8. */
const GZIP = '\x1f\x8b\x08'
/** RFC 8878, 3.1.1. */
const ZSTANDARD = '\x28\xb5\x2f\xfd'
interface Zstandard {
  /** Absent before Node 22.15. */
  zstdDecompressSync?: (bytes: Buffer, options: { maxOutputLength: number }) => Buffer
}

/** The remaining amount of decompression for one output. */
export interface Budget {
  /** Bytes. */
  left: number
  /** Streams with a header. */
  compressed: number
}

/** RFC 1950: method 8, a window of at most 32 KB, and a check value. */
export const hasZlibHeader = (bytes: Buffer, at: number): boolean =>
  (bytes[at]! & 0x8f) === 0x08 && ((bytes[at]! << 8) | bytes[at + 1]!) % 31 === 0

export const decompressZlib = (bytes: Buffer, budget: Budget): Generator<Buffer> =>
  attempt(budget, (limit) => zlib().inflateSync(bytes, zlibOptions(limit)))

/**
 * Decompresses gzip, Zstandard and the entries of zip files at any offset: also after a header of
 * another format, or after other base64.
 */
export function* decompress(bytes: Buffer, budget: Budget): Generator<Buffer> {
  for (const at of offsetsOf(bytes, GZIP, budget)) yield* gzip(bytes.subarray(at), budget)
  for (const at of offsetsOf(bytes, ZIP_ENTRY, budget)) yield* zipEntry(bytes, at, budget)
  for (const at of offsetsOf(bytes, ZSTANDARD, budget)) {
    const { zstdDecompressSync } = zlib() as Zstandard
    if (!zstdDecompressSync) return
    yield* attempt(budget, (maxOutputLength) =>
      zstdDecompressSync(bytes.subarray(at), { maxOutputLength }),
    )
  }
}

function* offsetsOf(bytes: Buffer, magic: string, budget: Budget): Generator<number> {
  let at = bytes.indexOf(magic, 0, 'latin1')
  for (; at !== -1 && budget.compressed > 0; at = bytes.indexOf(magic, at + 1, 'latin1')) {
    budget.compressed--
    yield at
  }
}

const zlibOptions = (maxOutputLength: number) => ({
  maxOutputLength,
  finishFlush: zlib().constants.Z_SYNC_FLUSH,
})

/** Decompresses only the first member if other bytes follow, which zlib rejects. A run of base64 may have some. */
function* gzip(bytes: Buffer, budget: Budget): Generator<Buffer> {
  let isRead = false
  for (const decoded of attempt(budget, (limit) => zlib().gunzipSync(bytes, zlibOptions(limit)))) {
    isRead = true
    yield decoded
  }
  if (isRead) return
  yield* attempt(budget, (limit) =>
    zlib().inflateRawSync(bytes.subarray(gzipHeader(bytes)), zlibOptions(limit)),
  )
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
export function* decompressHeaderless(bytes: Buffer, budget: Budget): Generator<Buffer> {
  yield* attempt(budget, (maxOutputLength) =>
    zlib().brotliDecompressSync(bytes, {
      maxOutputLength,
      finishFlush: zlib().constants.BROTLI_OPERATION_FLUSH,
    }),
  )
  yield* attempt(budget, (limit) => zlib().inflateRawSync(bytes, zlibOptions(limit)))
}

/** APPNOTE.TXT, 4.3.7: method at 8, lengths of the name and the extra field at 26 and 28. */
function* zipEntry(bytes: Buffer, at: number, budget: Budget): Generator<Buffer> {
  if (at + 30 > bytes.length || bytes.readUInt16LE(at + 8) !== 8) return
  const start = at + 30 + bytes.readUInt16LE(at + 26) + bytes.readUInt16LE(at + 28)
  yield* attempt(budget, (limit) =>
    zlib().inflateRawSync(bytes.subarray(start), zlibOptions(limit)),
  )
}

function* attempt(budget: Budget, decode: (limit: number) => Buffer): Generator<Buffer> {
  const limit = Math.min(LARGEST, budget.left)
  if (limit <= 0) return
  let decoded
  try {
    decoded = decode(limit)
  } catch (error) {
    // A stream that is too large has used this time; other data is not compressed.
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') budget.left -= limit
    return
  }
  if (decoded.length) yield decoded
}
