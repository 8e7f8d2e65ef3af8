import { resolve } from 'node:path'
import type { Graph } from '../pipeline/leak-check/origins.js'

/** The import graph in the metafile of esbuild and Bun. */
export interface Metafile {
  inputs: Record<string, { imports: { path: string }[] }>
}

/** Returns the module graph, built on demand. @param folder the folder that paths are relative to. */
export function graphOf({ inputs }: Metafile, folder: string): Graph {
  let importers: Map<string, string[]> | undefined
  return {
    get inputs() {
      return Object.keys(inputs).map((path) => resolve(folder, path))
    },
    importersOf: (id) => (importers ??= importersIn(inputs, folder)).get(id) ?? [],
  }
}

function importersIn(inputs: Metafile['inputs'], folder: string) {
  const importers = new Map<string, string[]>()
  for (const [importer, { imports }] of Object.entries(inputs)) {
    for (const { path } of imports) {
      const id = resolve(folder, path)
      importers.set(id, [...(importers.get(id) ?? []), resolve(folder, importer)])
    }
  }
  return importers
}
