import { existsSync } from 'node:fs'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import type { ResolvedConfig } from 'vite'
import type { Asset } from '../pipeline/leak-check/examine.js'

/** The files that Vite copies beside the outputs as they are, and that are in no bundle. */
export async function publicFiles({ root, publicDir, build }: ResolvedConfig): Promise<Asset[]> {
  if (!build.copyPublicDir || !publicDir || !existsSync(publicDir)) return []
  const files: Asset[] = []
  for await (const path of filesBelow(publicDir))
    files.push({ name: relative(root, path).split(sep).join('/'), content: await readFile(path) })
  return files
}

/** What links lead to is copied too. */
async function* filesBelow(folder: string): AsyncGenerator<string> {
  for (const name of await readdir(folder)) {
    const path = join(folder, name)
    if ((await stat(path)).isDirectory()) yield* filesBelow(path)
    else yield path
  }
}
