import { readFile } from 'node:fs/promises'
import { redactSource } from '../emit/redact.js'
import type { Search } from './search.js'
import { views } from './views.js'

/** The module graph of a bundler, by module ids. */
export interface Graph {
  inputs: Iterable<string>
  importersOf?: (id: string) => string[]
}

/** Returns the file of a module id without query and fragment. A folder `C#` is not a fragment. */
export const pathOf = (id: string) => id.replace(/\?.*$|#[^\\/]*$/, '')

/** Returns the places of leaked strings without a mark in the sources: `file:line:column (name)`. */
export async function origins(
  names: Set<string>,
  search: Search,
  { inputs }: Graph,
  shown: (path: string) => string,
  named: (name: string) => string,
): Promise<string[]> {
  const found = new Set<string>()
  for (const id of inputs) {
    const path = pathOf(id)
    const code = await readFile(path, 'utf8').catch(() => '')
    if (!code) continue
    for (const { reading, bytes, placeOf } of views(withoutMarks(code, path), search.sought)) {
      for (const { pattern, offset } of search(bytes)) {
        if (names.has(pattern.name))
          found.add(
            `${shown(path)}${reading ? '' : `:${placeOf(offset)}`} (${named(pattern.name)})`,
          )
      }
    }
  }
  // A place is more useful than the file name.
  const all = [...found]
  return all
    .filter(
      (one) =>
        !all.some((other) => other !== one && other.startsWith(`${one.replace(/ \(.*$/, '')}:`)),
    )
    .slice(0, 10)
}

function withoutMarks(code: string, path: string): string {
  try {
    return redactSource(code, path)
  } catch {
    return code
  }
}

/** Returns the shortest import chain from an entry to a module; only the module if importers are unknown. */
export function importChain(id: string, importersOf: Graph['importersOf'] = () => []): string[] {
  const from = new Map<string, string | null>([[id, null]])
  let last = id
  for (const module of from.keys()) {
    last = module
    const importers = importersOf(module)
    if (!importers.length) break
    for (const importer of importers) if (!from.has(importer)) from.set(importer, module)
  }
  const chain: string[] = []
  for (let at: string | null = last; at !== null; at = from.get(at) ?? null) chain.push(at)
  return chain
}
