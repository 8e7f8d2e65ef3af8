import { Buffer } from 'node:buffer'
import { MARKER } from '../collect/mark.js'
import { redactSource } from '../emit/redact.js'

const INLINE_MAP =
  /(sourceMappingURL=data:application\/json;(?:charset=[\w-]+;)?base64,)([A-Za-z0-9+/=]+)/g

interface SourceMap {
  sources?: (string | null)[] | null | undefined
  sourcesContent?: (string | null)[] | null | undefined
  sections?: { map?: SourceMap }[] | null | undefined
}

/** Whether a source is known to be redacted, and need not be read again. */
type RedactionCheck = (source: string) => boolean

/** Returns whether a finished output is a source map, whatever its file name. */
export const isMap = (text: string, name = '') =>
  name.endsWith('.map') ||
  (text.startsWith('{') && text.includes('"mappings"') && parse(text) !== null)

/** Redacts the sources of a map, or of the inline maps of a chunk. */
export const scrub = (text: string, name: string, isRedacted: RedactionCheck) =>
  isMap(text, name) ? scrubMap(text, isRedacted) : scrubInlineMaps(text, isRedacted)

/**
 * Replaces the sources of a finished source map by redacted ones. The map of our transform contains them
 * already, but Rollup adds loaded sources, and the map of an earlier plugin contains the original.
 *
 * @returns the same string if there is nothing to redact.
 */
export function scrubMap(text: string, isRedacted: RedactionCheck): string {
  if (!stringsWithMarker(text).some((json) => !isRedacted(parse<string>(json) ?? ''))) return text
  const map = parse<SourceMap>(text)
  return map && redactContents(map, isRedacted) ? JSON.stringify(map) : text
}

/**
 * Returns the JSON strings of a map that contain the marker, with their quotes. In most builds each of them
 * is a source that our transform has redacted, and the map, which may have 30 MB, need not be parsed.
 */
function stringsWithMarker(json: string): string[] {
  const strings: string[] = []
  for (let at = json.indexOf(MARKER); at >= 0;) {
    const end = quoteFrom(json, at, 1) + 1
    strings.push(json.slice(quoteFrom(json, at, -1), end))
    at = end > at ? json.indexOf(MARKER, end) : -1
  }
  return strings
}

/** Returns the position of the next quote in a direction that is not escaped, or -1. */
function quoteFrom(json: string, from: number, step: 1 | -1): number {
  const next = (at: number) =>
    step > 0 ? json.indexOf('"', at) : at < 0 ? -1 : json.lastIndexOf('"', at)
  let at = next(from)
  while (at > 0 && isEscaped(json, at)) at = next(at + step)
  return at
}

function isEscaped(json: string, at: number): boolean {
  let slashes = 0
  while (json[at - slashes - 1] === '\\') slashes++
  return slashes % 2 === 1
}

// V8's error would quote the text. The leak check searches invalid maps like other outputs.
function parse<T>(text: string): T | null {
  try {
    return JSON.parse(text) as T | null
  } catch {
    return null
  }
}

/** Like `scrubMap`, for the inline maps of a chunk. */
export function scrubInlineMaps(code: string, isRedacted: RedactionCheck): string {
  return code.replace(INLINE_MAP, (whole, prefix: string, body: string) => {
    const text = Buffer.from(body, 'base64').toString('utf8')
    const scrubbed = scrubMap(text, isRedacted)
    return scrubbed === text ? whole : prefix + Buffer.from(scrubbed).toString('base64')
  })
}

/** Redacts a map in place. @returns whether anything changed. */
export function redactContents(
  { sources, sourcesContent, sections }: SourceMap,
  isRedacted: RedactionCheck,
): boolean {
  let changed = (sections ?? [])
    .map(({ map }) => redactContents(map ?? {}, isRedacted))
    .includes(true)
  sourcesContent?.forEach((content, index) => {
    if (!content?.includes(MARKER) || isRedacted(content)) return
    const redacted = redactOrDrop(content, sources?.[index] ?? 'source.ts')
    if (redacted === content) return
    sourcesContent[index] = redacted
    changed = true
  })
  return changed
}

// A source that cannot be parsed cannot be redacted, and is omitted. The map still has its positions.
function redactOrDrop(content: string, file: string): string | null {
  try {
    return redactSource(content, file)
  } catch {
    return null
  }
}
