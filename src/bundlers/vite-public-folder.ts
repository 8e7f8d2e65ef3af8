import { existsSync, readFileSync } from 'node:fs'
import { relative, resolve, sep } from 'node:path'
import type { Plugin, ResolvedConfig } from 'vite'
import { assetOf, type Asset } from '../pipeline/leak-check/examine.js'
import type { BuildSession } from '../pipeline/session.js'
import { walkFiles } from '../util/walk.js'

/** A file that Vite copies unchanged next to the outputs. */
export interface PublicFile extends Asset {
  /** The source and the target of the copy. */
  source: string
  path: string
}

/** Returns a plugin that checks the public folder before Vite copies it, which is before the bundle exists. */
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
  // Vite copies the targets of links.
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
