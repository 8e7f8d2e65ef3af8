import { Buffer } from 'node:buffer'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'

/** The same bytes, read one way: as they stand, with escapes decoded, out of a data URL. */
export interface View {
  /** `` for the output itself, or how it was read: ` (unescaped)`, ` (in a data URL)`. */
  reading: string
  bytes: Buffer
}

// A comment may stand wherever a space may; so long a one that it would slow the search, not.
const GAP = String.raw`(?:[\s()]|/\*[^*]{0,200}\*/|//[^\n]{0,200}\n)*`
const ESCAPE_OR_SUM = new RegExp(
  String.raw`\\(?:u\{([0-9a-f]{1,6})\}|u([0-9a-f]{4})|x([0-9a-f]{2})|([0-3]?[0-7]{1,2})|(\r\n|[^]))` +
    `|["'\`]${GAP}\\+${GAP}["'\`]|\\$\\{${GAP}["'\`]|["'\`]${GAP}\\}`,
  'gi',
)
const SINGLE: Record<string, string> = {
  n: '\n',
  r: '\r',
  t: '\t',
  b: '\b',
  f: '\f',
  v: '\v',
  '\n': '',
  '\r\n': '',
  '\u2028': '',
  '\u2029': '',
}
const CSS_ESCAPE = /\\(?:([0-9a-f]{1,6})(?:\r\n|\s)?|\r?\n|(.))/gi
const DATA_URL = /data:[\w.+/-]*((?:;[\w.+=-]+)*),([\w+/=%.~!*'()-]*)/g
const DEEPEST = 5

/**
 * Reads an output in every way in which a plaintext can stand in it: an escape inside a string, a
 * sum of strings left unfolded, a map inside a data URL, a module inside eval("…"), a compressed
 * copy. Each reading is linear in the length of what it reads.
 *
 * @param name the output's, whose ending tells Brotli, which has no header.
 */
export function* views(content: string | Uint8Array, name = ''): Generator<View> {
  const bytes = typeof content === 'string' ? Buffer.from(content) : bytesOf(content)
  const inflated = decompress(bytes, name)
  yield* inflated ? read(inflated, ' (decompressed)', 0) : read(bytes, '', 0)
  if (name.endsWith('.css')) yield* cssUnescaped(bytes)
}

/** In CSS an escape is up to six digits, and a space that ends them. */
function* cssUnescaped(bytes: Buffer): Generator<View> {
  const text = bytes.toString('utf8')
  if (!text.includes('\\')) return
  const unescaped = text.replace(CSS_ESCAPE, (_, digits?: string, single?: string) =>
    digits ? codePoint(parseInt(digits, 16)) : (single ?? ''),
  )
  yield { reading: ' (unescaped)', bytes: Buffer.from(unescaped) }
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

function* read(bytes: Buffer, reading: string, depth: number): Generator<View> {
  yield { reading, bytes }
  // A NUL is no sign of a binary file: Bun prints one in a string as it is.
  if (depth > DEEPEST) return
  const text = bytes.toString('utf8')
  if (text.includes('data:')) {
    for (const [, parameters, body] of text.matchAll(DATA_URL)) {
      const inner = parameters!.includes(';base64')
        ? Buffer.from(body!, 'base64')
        : Buffer.from(unpercent(body!))
      if (inner.length) yield* read(inner, ' (in a data URL)', depth + 1)
    }
  }
  const unescaped = unescape(text)
  if (unescaped !== text) yield* read(Buffer.from(unescaped), ' (unescaped)', depth + 1)
}

const unescape = (text: string) =>
  text.replace(ESCAPE_OR_SUM, (_, brace, unit, byte, octal, single: string | undefined) => {
    if (single !== undefined) return SINGLE[single] ?? single
    const code = parseInt(brace ?? unit ?? byte ?? octal ?? '', octal ? 8 : 16)
    return codePoint(code)
  })

const codePoint = (code: number) => (code <= 0x10ffff ? String.fromCodePoint(code) : '')

function unpercent(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
