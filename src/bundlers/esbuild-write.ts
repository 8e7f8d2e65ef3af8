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
