import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, relative, resolve } from 'node:path'
import type { BuildOptions, BuildResult } from 'esbuild'
import { KmsBuildError } from '../errors.js'

/** The options of the user and the other plugins for writing. */
interface WriteOptions {
  write: boolean
  metafile: boolean
}

/**
 * Fails if a plugin before ours has an `onEnd`. Callbacks run in the order of registration, so it would find
 * no files: our `onEnd` writes them.
 *
 * @throws KmsBuildError OUTPUT_UNSAFE, which names the plugin.
 */
export function refuseEarlierOnEnd({ write, plugins = [] }: BuildOptions, own: string): void {
  if (write === false) return
  const before = plugins.slice(
    0,
    plugins.findIndex(({ name }) => name === own),
  )
  // esbuild does not report what another plugin registered. Its source code shows it.
  const early = before.find(({ setup }) => /\bonEnd\b/.test(setup.toString()))
  if (!early) return
  throw new KmsBuildError(
    'OUTPUT_UNSAFE',
    `the plugin ${early.name} is before unplugin-kms and has an onEnd, which would run before the files are written: unplugin-kms writes them after the leak check. Put unplugin-kms first in the array of plugins.`,
  )
}

/**
 * Writes the outputs as esbuild would: never over an input, executable if they start with a hashbang, and to
 * standard output without a file name. Then adjusts the result to the user's options.
 */
export async function writeOutputs(
  result: Partial<BuildResult>,
  options: BuildOptions,
  { write, metafile }: WriteOptions,
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
      // Synchronous calls take half the time, and nothing else runs at this point.
      mkdirSync(dirname(path), { recursive: true })
      writeFileSync(path, contents)
      if (contents[0] === 0x23 && contents[1] === 0x21) chmodSync(path, 0o755)
    }
    delete result.outputFiles
  }
  if (!metafile) delete result.metafile
}
