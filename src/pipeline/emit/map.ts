import type MagicString from 'magic-string'

/** A source map of magic-string, whose types are not published. */
export interface EmittedMap {
  version: number
  file: string | undefined
  sources: string[]
  sourcesContent: (string | null)[] | undefined
  names: string[]
  mappings: string
  toString(): string
  toUrl(): string
}

/**
 * The tokens that a node of the syntax may start with, and closing brackets, for coverage. White space and
 * other tokens need no position: with them the map is twice as large, and bundlers read and join it.
 */
const TOKEN = /[\w$\u0080-\uffff]+|\.{3}|["'`()[\]{}<#@/!~+-]/g

/** Returns the map of a module, with a position for each token at which an error or a breakpoint may be. */
export function mapOf(magic: MagicString, source: string): EmittedMap {
  for (const { index } of magic.original.matchAll(TOKEN)) magic.addSourcemapLocation(index)
  return magic.generateMap({ source, includeContent: true })
}
