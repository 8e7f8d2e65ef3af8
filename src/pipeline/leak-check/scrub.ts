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
type IsRedacted = (source: string) => boolean

/** Whether a finished output is a source map, whatever the user's options call the file. */
export const isMap = (text: string, name = '') =>
  name.endsWith('.map') ||
  (text.startsWith('{') && text.includes('"mappings"') && parse(text) !== null)

/** Redacts an output: a map's sources, or those of the maps inside a chunk's own text. */
export const scrub = (text: string, name: string, isRedacted: IsRedacted) =>
  isMap(text, name) ? scrubMap(text, isRedacted) : scrubInlineMaps(text, isRedacted)

/**
 * Puts redacted sources into a finished source map. The transform's own map shows them already;
 * but Rollup shows what was loaded, and an earlier plugin's map brings the original again.
 *
 * @returns the text itself where there is nothing to redact.
 */
export function scrubMap(text: string, isRedacted: IsRedacted): string {
  if (!text.includes(MARKER)) return text
  const map = parse(text)
  return map && redactContents(map, isRedacted) ? JSON.stringify(map) : text
}

// V8's error would quote the text. What is no map is left to the proof.
function parse(text: string): SourceMap | null {
  try {
    return JSON.parse(text) as SourceMap | null
  } catch {
    return null
  }
}

/** As `scrubMap`, for the maps inside a chunk's own text. */
export function scrubInlineMaps(code: string, isRedacted: IsRedacted): string {
  return code.replace(INLINE_MAP, (whole, prefix: string, body: string) => {
    const text = Buffer.from(body, 'base64').toString('utf8')
    const scrubbed = scrubMap(text, isRedacted)
    return scrubbed === text ? whole : prefix + Buffer.from(scrubbed).toString('base64')
  })
}

/** Redacts a map in place, and says whether anything changed. */
export function redactContents(
  { sources, sourcesContent, sections }: SourceMap,
  isRedacted: IsRedacted,
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

// What cannot be parsed cannot be redacted, and is left out: a map without content still leads home.
function redactOrDrop(content: string, file: string): string | null {
  try {
    return redactSource(content, file)
  } catch {
    return null
  }
}
