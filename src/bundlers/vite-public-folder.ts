import { existsSync, readFileSync } from 'node:fs'
import { relative, resolve, sep } from 'node:path'
import type { Plugin, ResolvedConfig } from 'vite'
import { assetOf, type Asset } from '../pipeline/leak-check/examine.js'
import type { BuildSession } from '../pipeline/session.js'
import { walkFiles } from '../util/walk.js'

/** A file that Vite copies next to the outputs as it is, and that is in no bundle. */
export interface PublicFile extends Asset {
  /** Where it is copied from, and to. */
  source: string
  path: string
}

/** Checks the public folder before Vite's own copies it, which is before there is a bundle. */
export const publicFilesCheck = (build: BuildSession): NonNullable<Plugin['renderStart']> => ({
  order: 'pre',
  sequential: true,
  async handler() {
    const { config, name } = this.environment
    const files = await publicFiles(config)
    build.outputs.rememberCopied(files, `public folder, ${name}`)
    if (build.modules.hasSealed) await build.outputs.checkCopied(files)
  },
})

/** Returns the files of the public folder, if the build copies it. */
async function publicFiles(config: ResolvedConfig): Promise<PublicFile[]> {
  const { root, publicDir, build } = config
  if (!build.copyPublicDir || !publicDir || !existsSync(publicDir)) return []
  const files: PublicFile[] = []
  // Vite copies what links point to.
  for await (const source of walkFiles(publicDir)) {
    const name = relative(root, source).split(sep).join('/')
    const path = resolve(root, build.outDir, relative(publicDir, source))
    files.push(
      Object.assign(
        assetOf(name, () => readFileSync(source)),
        { source, path },
      ),
    )
  }
  return files
}
