import { Buffer } from 'node:buffer'
import { parseKeyArn } from '../aws/key-arn.js'
import { readArguments } from './arguments.js'
import { isTokenText, tokenSighting, wrappedSighting, type Sighting } from './sighting.js'

/** What one file holds, and what of it stands apart from the call that it is for. */
export interface Sighted {
  sightings: Sighting[]
  /** A token that is no argument by itself: a minifier may have made it a constant. */
  looseToken: boolean
  /** The same of a key ARN. */
  looseKey: boolean
}

interface Reading extends Sighted {
  /** How often a large window was read in vain. */
  futile: number
}

const TOKEN = Buffer.from('kms:v1:')
const ARN = Buffer.from('arn:aws')
/** Bytes before an anchor: quotes, brackets, white space. */
const BEHIND = 64
/** Bytes after a token: most names and a format; then a name of any sane length. */
const NAME_WINDOWS = [512, 16 * 1024]
/** Bytes for wrapped blobs: one region's first, then as many as KMS has regions. */
const BLOB_WINDOWS = [2 * 1024, 16 * 1024, 256 * 1024]
const AHEAD = Math.max(...NAME_WINDOWS, ...BLOB_WINDOWS)
/** No build writes so much that only looks like an opening: what does is not waited for. */
const PATIENCE = 100
const BLOCK = 1024 * 1024
/** Characters of the longest token that is read: one of a secret of 12 MB. */
const LONGEST_TOKEN = 16 * 1024 * 1024
/** Code inside eval("…") inside a JSON text: so many layers of escapes are taken off. */
const DEEPEST = 3

/**
 * Finds tokens and wrapped blobs by their text, and parses nothing but the arguments beside them:
 * memory stays flat, however large the file. It is all the same whether it is code, code inside a
 * string, or a source map.
 */
export async function sight(content: AsyncIterable<Buffer> | Iterable<Buffer>): Promise<Sighted> {
  const found: Reading = { sightings: [], looseToken: false, looseKey: false, futile: 0 }
  let held = Buffer.allocUnsafe(BLOCK + AHEAD)
  let size = 0
  let seen = 0
  let wanted = AHEAD + BLOCK / 2
  const read = (last: boolean) => {
    const done = readHeld(held.subarray(0, size), seen, last, found)
    const kept = Math.max(0, done - BEHIND)
    held.copyWithin(0, kept, size)
    size -= kept
    seen = done - kept
  }
  for await (const block of content) {
    if (size + block.length > held.length)
      held = Buffer.concat([held.subarray(0, size)], 2 * (size + block.length))
    held.set(block, size)
    size += block.length
    if (size < wanted) continue
    read(false)
    // A token that is not complete is read again: each time with twice as many bytes.
    wanted = Math.max(size + BLOCK / 2, 2 * size)
  }
  read(true)
  return found
}

/** @returns up to where everything has been read; what begins after it needs more bytes. */
function readHeld(held: Buffer, from: number, last: boolean, found: Reading): number {
  for (const { at, isToken } of anchors(held, from)) {
    const end = isToken ? tokenEnd(held, at) : at
    if (!last && end + AHEAD >= held.length) return at
    if (isToken) readToken(held, at, end, found)
    else readBlobs(held, at, found)
  }
  // An anchor may be cut in two.
  return last ? held.length : Math.max(from, held.length - AHEAD)
}

function anchors(held: Buffer, from: number) {
  const found: { at: number; isToken: boolean }[] = []
  for (const needle of [TOKEN, ARN])
    for (let at = held.indexOf(needle, from); at >= 0; at = held.indexOf(needle, at + 1))
      found.push({ at, isToken: needle === TOKEN })
  return found.sort((one, other) => one.at - other.at)
}

function tokenEnd(held: Buffer, at: number): number {
  let end = at + TOKEN.length
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
  held.subarray(Math.max(0, at - BEHIND), at).toString('latin1')
const after = (held: Buffer, at: number, window: number) =>
  held.subarray(at, at + window).toString('utf8')

// White space, which inside a string is written with a backslash.
const SPACE = String.raw`(?:\s|\\+[nrt])*`
const QUOTED = /(\\*)(["'`])$/
const CALLED = new RegExp(String.raw`\(${SPACE}\\*["'\`]$`)
const ARRAYS = new RegExp(String.raw`\[${SPACE}\[${SPACE}(\\*)["'\`]$`)
const NEXT_ARRAY = new RegExp(String.raw`,${SPACE}\[${SPACE}\\*["'\`]$`)

function readToken(held: Buffer, at: number, end: number, found: Reading) {
  const text = held.subarray(at, end).toString('latin1')
  if (!isTokenText(text)) return
  if (text.length === LONGEST_TOKEN)
    return void found.sightings.push({ what: 'broken', reason: 'it is longer than 16 MB' })
  const prefix = before(held, at)
  const called = CALLED.test(prefix)
  if (!called) found.looseToken = true
  const sighting = tokenSighting(text)
  if (!called || sighting.what === 'broken') return void found.sightings.push(sighting)
  const [, slashes = '', quote = ''] = QUOTED.exec(prefix) ?? []
  // The token may be of any size, and is known: the parser gets an empty string in its place.
  const rest = firstRead(NAME_WINDOWS, found, (window) =>
    argumentsAt(slashes, (level) => quote + unescape(after(held, end, window), level)),
  )
  found.sightings.push(tokenSighting(text, rest?.slice(1)))
}

function readBlobs(held: Buffer, at: number, found: Reading) {
  const [arn = ''] = after(held, at, 256).split(/["'`\\]/, 1)
  if (!parseKeyArn(arn)) return
  const prefix = before(held, at)
  const match = ARRAYS.exec(prefix)
  const start = match && at - (prefix.length - match.index)
  const sighting =
    start !== null &&
    firstRead(BLOB_WINDOWS, found, (window) => {
      const text = after(held, start, window)
      const values = argumentsAt(match![1]!, (level) => unescape(text, level))
      return values && wrappedSighting(values)
    })
  if (sighting) found.sightings.push(sighting)
  // By itself, or `[[arn, …` whose blob or context is a constant elsewhere.
  else if (match || (QUOTED.test(prefix) && !NEXT_ARRAY.test(prefix))) found.looseKey = true
}

/** What the first window gives that is large enough. */
function firstRead<T>(
  windows: number[],
  found: Reading,
  read: (window: number) => T | null,
): T | null {
  for (const [index, window] of windows.entries()) {
    if (index && found.futile >= PATIENCE) break
    const result = read(window)
    if (result) return result
    if (index) found.futile++
  }
  return null
}

/** Takes off the layers of escapes that the quote before shows, and one more if that reads nothing. */
function argumentsAt(slashes: string, textAt: (level: number) => string): unknown[] | null {
  const shown = Math.round(Math.log2(slashes.length + 1))
  for (let level = shown; level <= Math.min(shown + 1, DEEPEST); level++) {
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
