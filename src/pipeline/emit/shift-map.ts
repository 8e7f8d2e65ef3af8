import { Buffer } from 'node:buffer'

const COMMENT = /\n\/\/# sourceMappingURL=(.*?)\s*$/
const DATA_URL = /^data:application\/json[^,]*,/

/**
 * Splits a module into its code and the comment that names its source map, at the end.
 *
 * @returns `map`: the path of the map, relative to the module, if it is a file.
 */
export function splitMapComment(text: string): {
  code: string
  comment: string
  map: string | undefined
} {
  const found = COMMENT.exec(text.slice(text.lastIndexOf('\n//# sourceMappingURL=')))
  if (!found) return { code: text, comment: '', map: undefined }
  const [comment, url] = found
  const isFile = !url!.includes(':')
  return {
    code: text.slice(0, text.length - comment.length),
    comment,
    map: isFile ? decodeURI(url!) : undefined,
  }
}

/** Returns the comment of an inline map, with positions shifted down by some lines. */
export function withShiftedInlineMap(comment: string, lines: number): string {
  const [, url = ''] = COMMENT.exec(comment) ?? []
  const [prefix] = DATA_URL.exec(url) ?? []
  if (prefix === undefined) return comment
  const body = url.slice(prefix.length)
  const isBase64 = prefix.includes(';base64')
  const json = isBase64 ? Buffer.from(body, 'base64').toString() : decodeURIComponent(body)
  const shifted = shiftMap(json, lines)
  const encoded = isBase64 ? Buffer.from(shifted).toString('base64') : encodeURIComponent(shifted)
  return `\n//# sourceMappingURL=${prefix}${encoded}\n`
}

interface SourceMap {
  mappings?: string
  sections?: { offset: { line: number } }[]
}

/** Returns a source map with output positions shifted down by some lines. */
export function shiftMap(json: string, lines: number): string {
  const map = JSON.parse(json) as SourceMap
  for (const { offset } of map.sections ?? []) offset.line += lines
  if (map.mappings !== undefined) map.mappings = ';'.repeat(lines) + map.mappings
  return JSON.stringify(map)
}
