import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, relative, resolve } from 'node:path'
import type { BuildOptions, BuildResult } from 'esbuild'
import { KmsBuildError } from '../errors.js'

/** What the user and the other plugins asked esbuild for. */
interface Writing {
  write: boolean
  metafile: boolean
}

/**
 * An `onEnd` runs in the order in which it was registered: that of a plugin before us (a zip step,
 * say) would find no file, since ours writes them.
 *
 * @throws KmsBuildError OUTPUT_UNSAFE, which names the plugin.
 */
export function refuseEarlierOnEnd({ write, plugins = [] }: BuildOptions, own: string): void {
  if (write === false) return
  const before = plugins.slice(
    0,
    plugins.findIndex(({ name }) => name === own),
  )
  // esbuild tells nobody what another plugin registered; its own text does.
  const early = before.find(({ setup }) => /\bonEnd\b/.test(setup.toString()))
  if (!early) return
  throw new KmsBuildError(
    'OUTPUT_UNSAFE',
    `the plugin ${early.name} stands before unplugin-kms and has an onEnd, which would run before the files are written: they are held back until the leak check has passed. Put unplugin-kms first in the array of plugins.`,
  )
}

/**
 * Writes as esbuild would: never over an input, executable where the output begins with a hashbang,
 * to standard output where no file is named, and leaves the result as the user asked for it.
 */
export async function writeOutputs(
  result: Partial<BuildResult>,
  options: BuildOptions,
  { write, metafile }: Writing,
): Promise<void> {
  const root = options.absWorkingDir ?? process.cwd()
  const outputs = result.outputFiles ?? []
  if (write) {
    const inputs = new Set(Object.keys(result.metafile!.inputs).map((path) => resolve(root, path)))
    const input = outputs.find(({ path }) => inputs.has(path))
    if (input && !options.allowOverwrite) {
      throw new KmsBuildError(
        'OUTPUT_UNSAFE',
        `refusing to overwrite the input file ${relative(root, input.path)}. Choose another outfile or outdir.`,
      )
    }
    for (const { path, contents } of outputs) {
      if (path === '<stdout>') {
        process.stdout.write(contents)
        continue
      }
      // The synchronous calls take half as long, and nothing else is left to do.
      mkdirSync(dirname(path), { recursive: true })
      writeFileSync(path, contents)
      if (contents[0] === 0x23 && contents[1] === 0x21) chmodSync(path, 0o755)
    }
    delete result.outputFiles
  }
  if (!metafile) delete result.metafile
}
