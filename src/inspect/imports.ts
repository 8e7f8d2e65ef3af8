import { posix } from 'node:path'
import { isCode } from '../embedded/facts.js'
import { builtFiles } from './files.js'

/** Imports of other outputs, minified or not: `from"./a.js"`, `import('./a.js')`, `require("./a.js")`. */
const IMPORT = /(?:\bfrom|\bimport|\brequire)\s*\(?\s*["'`](\.{1,2}\/[^"'`]+)["'`]/g

/** Bytes of the largest output whose imports are read. */
const LARGEST = 32 << 20

/** What is known of outputs apart from their secrets. */
export interface OutputGraph {
  /** Returns the outputs that import an output. */
  importersOf(name: string): string[]
  /** Returns the bytes of an output; 0 if it was not read. */
  sizeOf(name: string): number
}

/**
 * Reads which outputs import each other, by the relative specifiers in their code.
 *
 * @throws KmsBuildError FILE_UNREADABLE.
 */
export async function outputGraph(paths: string[]): Promise<OutputGraph> {
  const importers = new Map<string, Set<string>>()
  const sizes = new Map<string, number>()
  for await (const { name, size, content } of builtFiles(paths, [])) {
    sizes.set(name, size)
    if (!isCode(name) || size > LARGEST) continue
    const blocks: Buffer[] = []
    for await (const block of content()) blocks.push(block)
    for (const [, specifier] of Buffer.concat(blocks).toString('latin1').matchAll(IMPORT)) {
      const imported = posix.join(posix.dirname(name), specifier!)
      if (imported === name) continue
      const known = importers.get(imported) ?? new Set()
      importers.set(imported, known.add(name))
    }
  }
  return {
    importersOf: (name) => [...(importers.get(name) ?? [])].sort(),
    sizeOf: (name) => sizes.get(name) ?? 0,
  }
}
