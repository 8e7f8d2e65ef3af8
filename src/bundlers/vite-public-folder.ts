import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import type { ResolvedConfig } from 'vite'
import type { Asset } from '../prove/examine.js'

/** The files that Vite copies beside the outputs as they are, and that are in no bundle. */
export async function publicFiles({ root, publicDir, build }: ResolvedConfig): Promise<Asset[]> {
  if (!build.copyPublicDir || !publicDir || !existsSync(publicDir)) return []
  const entries = await readdir(publicDir, { recursive: true, withFileTypes: true })
  return Promise.all(
    entries
      .filter((entry) => !entry.isDirectory())
      .map(async ({ parentPath, name }) => {
        const path = join(parentPath, name)
        return {
          name: relative(root, path).split(sep).join('/'),
          content: await readFile(path).catch(() => ''),
        }
      }),
  )
}
