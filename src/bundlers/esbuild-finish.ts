import { dirname, relative, resolve } from 'node:path'
import type { BuildOptions, BuildResult, PartialMessage } from 'esbuild'
import { KmsBuildError } from '../errors.js'
import type { OutputTarget } from '../pipeline/target.js'
import { addEnvironment } from './esbuild-entries.js'
import type { OutputHold } from './esbuild-hold.js'
import { scrubMaps } from './esbuild-maps.js'
import { writeOutputs } from './esbuild-write.js'
import { graphOf } from './metafile.js'
import { NAME } from './transform.js'

export const notHeld = (): KmsBuildError =>
  new KmsBuildError(
    'OUTPUT_UNSAFE',
    'another plugin took back the options write and metafile, so esbuild would write its outputs before the leak check. Set these options in the build instead.',
  )

/** Checks the outputs for every instance of the plugin, and writes them. */
export async function finish(
  result: BuildResult,
  options: BuildOptions,
  hold: OutputHold,
  target: OutputTarget,
): Promise<PartialMessage[]> {
  const { outputFiles = [], metafile } = result
  if (!metafile) throw notHeld()
  checkOwnModules(Object.keys(metafile.inputs), hold)
  scrubMaps(outputFiles, hold.sessions)
  const outdir = outputFolder(options)
  await addEnvironment(result, options, hold.sessions, target, outdir)
  const filesFrom = (folder: string) =>
    outputFiles.map(({ path, contents }) => ({ name: relative(folder, path), content: contents }))
  const assets = filesFrom(root(options))
  for (const session of hold.sessions)
    await session.outputs.check(assets, graphOf(metafile, root(options)), hold)
  for (const session of hold.sessions) await session.outputs.record(outdir, filesFrom(outdir), hold)
  if (hold.hasOtherOnEnd)
    for (const session of hold.sessions) await session.outputs.watchFolder(outdir)
  await writeOutputs(result, options, hold)
  if (hold.write) for (const session of hold.sessions) await session.outputs.writeManifest()
  return hold.sessions.flatMap((session) =>
    session
      .warnings()
      .map(({ message, code, data }) => ({ id: code, text: message, detail: data })),
  )
}

/**
 * Checks what the `onEnd` of other plugins made of the outputs: in memory, before esbuild's caller has
 * them, and in files that are written already.
 */
export async function finishAgain(
  { outputFiles, metafile }: BuildResult,
  options: BuildOptions,
  hold: OutputHold,
): Promise<PartialMessage[]> {
  const outdir = outputFolder(options)
  const assets = (outputFiles ?? []).map(({ path, contents }) => ({
    name: relative(root(options), path),
    content: contents,
  }))
  for (const { outputs } of hold.sessions) {
    if (assets.length)
      await outputs.check(assets, metafile && graphOf(metafile, root(options)), hold)
    await outputs.checkFolder(outdir)
  }
  return []
}

/** @throws KmsBuildError MARK_UNTRANSFORMED if another plugin loaded a module of ours. */
function checkOwnModules(inputs: string[], { loaded }: OutputHold): void {
  const other = inputs.find((input) => input.startsWith(`${NAME}:`) && !loaded.has(input))
  if (other === undefined) return
  throw new KmsBuildError(
    'MARK_UNTRANSFORMED',
    `a plugin before unplugin-kms loads every module, also ${other}, which decrypts the secrets. Put unplugin-kms first in the array of plugins.`,
  )
}

export const root = ({ absWorkingDir }: BuildOptions): string => absWorkingDir ?? process.cwd()

const outputFolder = (options: BuildOptions) =>
  resolve(root(options), options.outdir ?? dirname(options.outfile ?? ''))
