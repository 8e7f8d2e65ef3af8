import { Buffer } from 'node:buffer'
import { parseKeyArn } from '../aws/key-arn.js'
import { readArguments } from './arguments.js'
import {
  isTokenLike,
  embeddedToken,
  embeddedCiphertext,
  type EmbeddedItem,
} from './embedded-item.js'

/** The embedded tokens and wrapped blobs of one file. */
export interface EmbeddedItems {
  items: EmbeddedItem[]
  /** Whether a token is not an argument of a call: a minifier may have moved it to a constant. */
  hasLooseToken: boolean
  /** Whether a key ARN is not an argument of a call. */
  hasLooseKey: boolean
}

interface ReadState extends EmbeddedItems {
  /** How many large windows contained no call. */
  futile: number
}

const TOKEN = Buffer.from('kms:v')
/** Bytes before the base64url: with the version and a colon. */
const TOKEN_HEAD = TOKEN.length + 2
const ARN = Buffer.from('arn:aws')
/** Bytes read before an anchor: quotes, brackets, white space. */
const BYTES_BEFORE = 64
/** Bytes read after a token: enough for most names and a format, then for long names. */
const NAME_WINDOWS = [512, 16 * 1024]
/** Bytes read for wrapped blobs: enough for one region, then for several, then for all of KMS's. */
const BLOB_WINDOWS = [2 * 1024, 16 * 1024, 256 * 1024]
const BYTES_AFTER = Math.max(...NAME_WINDOWS, ...BLOB_WINDOWS)
/** Large windows without a call after which only the first window is read. Builds never reach it. */
const MOST_FUTILE = 100
const BLOCK = 256 * 1024
/** Buffers that no file is being read into. */
const spares: Buffer[] = []
const MOST_SPARES = 8
/** Characters of the longest token that is read: a secret of 12 MB. */
const LONGEST_TOKEN = 16 * 1024 * 1024
/** Layers of string escapes that are decoded: code inside eval("…") inside a JSON string. */
const MOST_LAYERS = 3

/**
 * Finds tokens and wrapped blobs in a file: code, code inside strings, or a source map. Searches for
 * their prefixes and parses only the arguments around them, so memory use does not grow with the file.
 */
export async function findEmbedded(
  content: AsyncIterable<Buffer> | Iterable<Buffer>,
): Promise<EmbeddedItems> {
  const found: ReadState = { items: [], hasLooseToken: false, hasLooseKey: false, futile: 0 }
  const spare = spares.pop() ?? Buffer.allocUnsafeSlow(BLOCK + BYTES_AFTER)
  let buffer = spare
  let size = 0
  let seen = 0
  let wanted = BYTES_AFTER + BLOCK / 2
  const read = (last: boolean) => {
    const done = readBuffer(buffer.subarray(0, size), seen, last, found)
    const kept = Math.max(0, done - BYTES_BEFORE)
    buffer.copyWithin(0, kept, size)
    size -= kept
    seen = done - kept
  }
  try {
    for await (const part of parts(content)) {
      if (size + part.length > buffer.length)
        buffer = Buffer.concat([buffer.subarray(0, size)], 2 * (size + part.length))
      buffer.set(part, size)
      size += part.length
      if (size < wanted) continue
      read(false)
      // An incomplete token is read again with twice as many bytes.
      wanted = Math.max(size + BLOCK / 2, 2 * size)
    }
    read(true)
  } finally {
    if (spares.length < MOST_SPARES) spares.push(spare)
  }
  return found
}

/** Yields parts that the buffer has room for: it grows only for a long token. */
async function* parts(content: AsyncIterable<Buffer> | Iterable<Buffer>) {
  for await (const block of content)
    for (let at = 0; at < block.length; at += BLOCK / 2) yield block.subarray(at, at + BLOCK / 2)
}

/** @returns the offset up to which everything was read; anchors after it need more bytes. */
function readBuffer(held: Buffer, from: number, last: boolean, found: ReadState): number {
  for (const { at, isToken } of anchors(held, from)) {
    const end = isToken ? tokenEnd(held, at) : at
    if (!last && end + BYTES_AFTER >= held.length) return at
    if (isToken) readToken(held, at, end, found)
    else readBlobs(held, at, found)
  }
  // The block may end within an anchor.
  return last ? held.length : Math.max(from, held.length - BYTES_AFTER)
}

function anchors(held: Buffer, from: number) {
  const found: { at: number; isToken: boolean }[] = []
  for (const needle of [TOKEN, ARN])
    for (let at = held.indexOf(needle, from); at >= 0; at = held.indexOf(needle, at + 1))
      found.push({ at, isToken: needle === TOKEN })
  return found.sort((one, other) => one.at - other.at)
}

function tokenEnd(held: Buffer, at: number): number {
  let end = at + TOKEN_HEAD
  const last = Math.min(held.length, at + LONGEST_TOKEN)
  while (end < last && isBase64Url(held[end]!)) end++
  return end
}

const isBase64Url = (byte: number) =>
  (byte >= 0x30 && byte <= 0x39) ||
  (byte >= 0x41 && byte <= 0x5a) ||
  (byte >= 0x61 && byte <= 0x7a) ||
  byte === 0x2d ||
  byte === 0x5f

const before = (held: Buffer, at: number) =>
  held.subarray(Math.max(0, at - BYTES_BEFORE), at).toString('latin1')
const after = (held: Buffer, at: number, window: number) =>
  held.subarray(at, at + window).toString('utf8')

// White space, also as escaped in a string.
const SPACE = String.raw`(?:\s|\\+[nrt])*`
const QUOTED = /(\\*)(["'`])$/
const CALLED = new RegExp(String.raw`\(${SPACE}\\*["'\`]$`)
const ARRAYS = new RegExp(String.raw`\[${SPACE}\[${SPACE}(\\*)["'\`]$`)
const NEXT_ARRAY = new RegExp(String.raw`,${SPACE}\[${SPACE}\\*["'\`]$`)

function readToken(held: Buffer, at: number, end: number, found: ReadState) {
  const text = held.subarray(at, end).toString('latin1')
  if (!isTokenLike(text)) return
  if (text.length === LONGEST_TOKEN)
    return void found.items.push({ what: 'malformed', reason: 'it is longer than 16 MB' })
  const prefix = before(held, at)
  const isArgument = CALLED.test(prefix)
  if (!isArgument) found.hasLooseToken = true
  const item = embeddedToken(text)
  if (!isArgument || item.what === 'malformed') return void found.items.push(item)
  const [, slashes = '', quote = ''] = QUOTED.exec(prefix) ?? []
  // The parser gets an empty string in place of the token, which may be large.
  const rest = readWindows(NAME_WINDOWS, found, (window) =>
    argumentsAt(slashes, (level) => quote + unescape(after(held, end, window), level)),
  )
  found.items.push(embeddedToken(text, rest?.slice(1)))
}

function readBlobs(held: Buffer, at: number, found: ReadState) {
  const [arn = ''] = after(held, at, 256).split(/["'`\\]/, 1)
  if (!parseKeyArn(arn)) return
  const prefix = before(held, at)
  const match = ARRAYS.exec(prefix)
  const start = match && at - (prefix.length - match.index)
  const item =
    start !== null &&
    readWindows(BLOB_WINDOWS, found, (window) => {
      const text = after(held, start, window)
      const values = argumentsAt(match![1]!, (level) => unescape(text, level))
      return values && embeddedCiphertext(values)
    })
  if (item) found.items.push(item)
  // The ARN is a constant, or `[[arn, …` refers to constants for its blob or context.
  else if (match || (QUOTED.test(prefix) && !NEXT_ARRAY.test(prefix))) found.hasLooseKey = true
}

/** Reads with larger and larger windows and returns the first result. */
function readWindows<T>(
  windows: number[],
  found: ReadState,
  read: (window: number) => T | null,
): T | null {
  for (const [index, window] of windows.entries()) {
    if (index && found.futile >= MOST_FUTILE) break
    const result = read(window)
    if (result) return result
    if (index) found.futile++
  }
  return null
}

/** Decodes as many layers of escapes as the quote before has, then one more if that does not parse. */
function argumentsAt(slashes: string, textAt: (level: number) => string): unknown[] | null {
  const shown = Math.round(Math.log2(slashes.length + 1))
  for (let level = shown; level <= Math.min(shown + 1, MOST_LAYERS); level++) {
    const values = readArguments(textAt(level))
    if (values) return values
  }
  return null
}

const NAMED_ESCAPES: Record<string, string> = { n: '\n', r: '\r', t: '\t', b: '\b', f: '\f' }

function unescape(text: string, level: number): string {
  if (!level) return text
  const once = text.replace(
    /\\(?:u([0-9a-f]{4})|x([0-9a-f]{2})|([^]))/gi,
    (_, unit?: string, byte?: string, single?: string) =>
      single === undefined
        ? String.fromCharCode(parseInt((unit ?? byte)!, 16))
        : (NAMED_ESCAPES[single] ?? single),
  )
  return unescape(once, level - 1)
}
