import { Buffer } from 'node:buffer'
import type { Part } from './parts.js'
import { hasAt, type Pattern } from './search.js'
import { unescape } from './unescape.js'

/** Length of the shortest pattern: shorter ones occur by chance. */
const SHORTEST_WORD = 4
/** The same for a decoded plaintext: `T%26Aabc` has eight characters, `T&Aabc` six. */
const SHORTEST_DECODED = 6
/** Nesting of escapes in a plaintext that is decoded. */
const DEEPEST = 8

/**
 * Returns the byte sequences to search decoded outputs for: the part itself, and its encodings that cannot
 * be decoded unambiguously.
 *
 * @param minLength number of characters of the shortest pattern.
 */
export function patternsOf({ name, form, bytes }: Part, minLength: number): Pattern[] {
  const patterns = new Map<string, Pattern>()
  const add = (encoding: string, variant: Buffer) => {
    const key = variant.toString('latin1')
    if (!patterns.has(key)) patterns.set(key, { name, encoding, bytes: variant })
  }
  add(form, bytes)
  const text = bytes.toString('utf8')
  // The UTF-8 of the string that `toString('latin1')` returns.
  if (bytes.some((byte) => byte > 0x7f)) add(form, Buffer.from(bytes.toString('latin1')))
  if (!Buffer.from(text).equals(bytes)) return [...patterns.values()]
  for (const variant of decodings(bytes)) {
    if (variant.length >= Math.min(minLength, SHORTEST_DECODED)) add(form, variant)
  }
  for (const variant of spellings(text)) add(form, Buffer.from(variant))
  if (/[\x80-\u{10ffff}]/u.test(text)) add(form, singleBytes(text))
  const utf16 = Buffer.from(text, 'utf16le')
  add('UTF-16', utf16)
  add('UTF-16', Buffer.from(utf16).swap16())
  const words = wordPattern(text)
  return [...patterns.values(), ...(words ? [{ name, encoding: form, ...words }] : [])]
}

/**
 * Decodes a part as outputs are decoded. A plaintext may contain character sequences that look like escapes,
 * which are decoded together with the escapes around them.
 */
function* decodings(bytes: Buffer): Generator<Buffer> {
  for (const options of [
    { reach: bytes.length },
    { reach: bytes.length, throughBackslashes: true },
  ]) {
    let decoded = bytes
    for (let depth = 0; depth < DEEPEST; depth++) {
      const next = unescape(decoded, options)
      if (!next?.bytes.length) break
      decoded = next.bytes
      yield decoded
    }
  }
}

/** The escapes of YAML that JavaScript lacks, as JavaScript decodes them. */
const YAML_ESCAPES: Record<string, string> = {
  '\u0085': 'N',
  '\u00a0': '_',
  '\u2028': 'L',
  '\u2029': 'P',
  '\u0007': 'a',
  '\u001b': 'e',
}

function spellings(text: string): Set<string> {
  const forms = new Set(['NFC', 'NFD', 'NFKC', 'NFKD'].map((form) => text.normalize(form)))
  return new Set([
    ...[...forms, text].flatMap((form) => [
      form,
      // Forms and query strings.
      form.replaceAll(' ', '+'),
    ]),
    ...doubled(text),
    // Shells.
    text.replaceAll("'", String.raw`'\''`),
    text.replaceAll("'", `'"'"'`),
    // CDATA of XML.
    text.replaceAll(']]>', ']]]]><![CDATA[>'),
    text.replace(/[\u0085\u00a0\u2028\u2029\u0007\u001b]/g, (one) => YAML_ESCAPES[one]!),
    ...numerals(text),
  ])
}

/** YAML, CSV and SQL double a quote; Docker Compose a dollar, printf a percent sign, ICU and .NET braces. */
const doubled = (text: string) =>
  [`'`, `"`, '$', '%']
    .map((one) => text.replaceAll(one, () => one + one))
    .concat(text.replace(/[{}]/g, (one) => one + one))

/** Returns the ways in which minifiers write an integer that is a secret. */
function numerals(text: string): string[] {
  const number = Number(text)
  if (!/^[1-9]\d*$/.test(text) || !Number.isSafeInteger(number)) return []
  return [`0x${number.toString(16)}`, text.replace(/0{3,}$/, (zeros) => `e${zeros.length}`)]
}

/** Encodes as Latin-1, `escape()` and `fromCharCode` do: one byte per character below 256. */
const singleBytes = (text: string) =>
  Buffer.concat(
    Array.from(text, (one) =>
      one.codePointAt(0)! < 0x100 ? Buffer.from(one, 'latin1') : Buffer.from(one),
    ),
  )

const isSpace = (byte: number) => byte === 0x20 || (byte >= 0x09 && byte <= 0x0d)

/**
 * Returns a pattern for a plaintext with changed white space: folded, indented, or other line breaks. The
 * pattern is the longest word.
 */
function wordPattern(text: string): Pick<Pattern, 'bytes' | 'startOf' | 'reach'> | null {
  const words = text
    .split(/[ \t\n\v\f\r]+/)
    .filter(Boolean)
    .map((word) => Buffer.from(word))
  if (words.length < 2) return null
  const anchor = words.reduce(
    (best, word, index) => (word.length > words[best]!.length ? index : best),
    0,
  )
  if (words[anchor]!.length < SHORTEST_WORD) return null
  return {
    bytes: words[anchor]!,
    reach: Buffer.byteLength(text),
    startOf(haystack, offset) {
      let end = offset + words[anchor]!.length
      for (const word of words.slice(anchor + 1)) {
        while (isSpace(haystack[end]!)) end++
        if (!hasAt(haystack, end, word)) return -1
        end += word.length
      }
      let start = offset
      for (const word of words.slice(0, anchor).reverse()) {
        while (start > 0 && isSpace(haystack[start - 1]!)) start--
        start -= word.length
        if (!hasAt(haystack, start, word)) return -1
      }
      return start
    },
  }
}
