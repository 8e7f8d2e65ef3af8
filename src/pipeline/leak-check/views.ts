import { Buffer } from 'node:buffer'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { dataUrl } from './data-url.js'
import { placeIn } from './place.js'
import type { Sought } from './search.js'
import { unescape } from './unescape.js'

/** The same bytes, read one way: as they stand, with escapes decoded, out of a data URL. */
export interface View {
  /** `` for the output itself, or how it was read: ` (unescaped)`, ` (in a data URL)`. */
  reading: string
  bytes: Buffer
  /** `line:column` of an offset of `bytes`, in the output itself unless what was read is packed in it. */
  placeOf(offset: number): string
}

const CSS_ESCAPE = /\\(?:([0-9a-f]{1,6})(?:\r\n|\s)?|\r?\n|(.))/gi
const DEEPEST = 5

/**
 * Reads an output in every way in which a plaintext can stand in it: an escape inside a string, a
 * sum of strings left unfolded, a map inside a data URL, a module inside eval("…"), a compressed
 * copy. Each reading is linear in the length of what it reads, and leaves out what is known to hold
 * nothing more of what is sought.
 *
 * @param name the output's, whose ending tells Brotli, which has no header.
 */
export function* views(content: string | Uint8Array, sought: Sought, name = ''): Generator<View> {
  const bytes = typeof content === 'string' ? Buffer.from(content) : bytesOf(content)
  const inflated = decompress(bytes, name)
  yield* inflated
    ? read(plain(inflated, ' (decompressed)'), sought, 0)
    : read(plain(bytes, ''), sought, 0)
  if (name.endsWith('.css')) yield* cssUnescaped(bytes)
}

/** In CSS an escape is up to six digits, and a space that ends them. */
function* cssUnescaped(bytes: Buffer): Generator<View> {
  const text = bytes.toString('utf8')
  if (!text.includes('\\')) return
  const unescaped = text.replace(CSS_ESCAPE, (_, digits?: string, single?: string) =>
    digits ? codePoint(parseInt(digits, 16)) : (single ?? ''),
  )
  yield plain(Buffer.from(unescaped), ' (unescaped)')
}

/** The same memory. */
export const bytesOf = ({ buffer, byteOffset, length }: Uint8Array) =>
  Buffer.from(buffer, byteOffset, length)

function decompress(bytes: Buffer, name: string): Buffer | null {
  try {
    if (bytes[0] === 0x1f && bytes[1] === 0x8b) return gunzipSync(bytes)
    return name.endsWith('.br') ? brotliDecompressSync(bytes) : null
  } catch {
    return null
  }
}

const plain = (bytes: Buffer, reading: string): View => ({
  reading,
  bytes,
  placeOf: (offset) => placeIn(bytes, offset),
})

function* read(view: View, sought: Sought, depth: number): Generator<View> {
  yield view
  const { bytes, placeOf } = view
  // A NUL is no sign of a binary file: Bun prints one in a string as it is.
  if (depth > DEEPEST) return
  for (let at = bytes.indexOf('data:'); at !== -1; at = bytes.indexOf('data:', at + 1)) {
    const inner = dataUrl(bytes, at)
    if (inner) yield* read(plain(inner, ' (in a data URL)'), sought, depth + 1)
  }
  const unescaped = unescape(bytes, sought)
  if (!unescaped) return
  const { originOf } = unescaped
  yield* read(
    {
      reading: ' (unescaped)',
      bytes: unescaped.bytes,
      placeOf: (offset) => placeOf(originOf(offset)),
    },
    sought,
    depth + 1,
  )
}

const codePoint = (code: number) => (code <= 0x10ffff ? String.fromCodePoint(code) : '')
