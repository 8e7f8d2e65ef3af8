import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

/**
 * Returns the path of a file in a folder or the nearest of its parents, no further than the root of
 * the git repository; in the folder itself if there is none. Outside of a repository no parent is
 * searched, since others may write there.
 */
export function findUpwards(folder: string, name: string): string {
  const here = resolve(folder, name)
  const parents = parentsInRepository(folder)
  return [here, ...parents.map((parent) => join(parent, name))].find(existsSync) ?? here
}

/** Returns the parents of a folder up to the root of its git repository. */
function parentsInRepository(folder: string): string[] {
  const parents: string[] = []
  for (let at = resolve(folder); ; at = dirname(at)) {
    if (parents.length || at !== resolve(folder)) parents.push(at)
    if (existsSync(join(at, '.git'))) return parents
    if (at === dirname(at)) return []
  }
}
