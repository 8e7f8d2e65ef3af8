import { resolve } from 'node:path'
import type { Graph } from '../pipeline/leak-check/origins.js'

/** The part of esbuild's metafile, and of Bun's, that tells which module imports which. */
export interface Metafile {
  inputs: Record<string, { imports: { path: string }[] }>
}

/** Made when it is asked for, which is when a build fails. @param folder what the paths are relative to. */
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
