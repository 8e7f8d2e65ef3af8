import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { relative, sep } from 'node:path'
import type { ResolvedConfig } from 'vite'
import type { Asset } from '../pipeline/leak-check/examine.js'
import { walkFiles } from '../util/walk.js'

/** The files that Vite copies beside the outputs as they are, and that are in no bundle. */
export async function publicFiles({ root, publicDir, build }: ResolvedConfig): Promise<Asset[]> {
  if (!build.copyPublicDir || !publicDir || !existsSync(publicDir)) return []
  const files: Asset[] = []
  // Vite copies what links point to.
  for await (const path of walkFiles(publicDir))
    files.push({ name: relative(root, path).split(sep).join('/'), content: await readFile(path) })
  return files
}
