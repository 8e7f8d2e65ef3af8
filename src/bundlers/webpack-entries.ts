import { createHash } from 'node:crypto'
import type { Compilation, Compiler } from 'webpack'
import type { BuildSession } from '../pipeline/session.js'
import type { Target } from '../pipeline/target.js'
import { NAME } from './transform.js'

const SCRIPT = /\.[cm]?jsx?$/

/**
 * Makes the entries among the assets set the variables of the option `processEnv`, after their source
 * maps exist.
 *
 * @param targetOf called after the compiler has its defaults.
 * @returns a function that throws the error, for the hook that can stop the build.
 */
export function addEnvironment(
  { environment }: BuildSession,
  compiler: Compiler,
  targetOf: () => Target,
): () => void {
  let failure: unknown
  if (!environment.isUsed) return () => {}
  const { Compilation, sources } = compiler.webpack
  compiler.hooks.thisCompilation.tap(NAME, (compilation) => {
    failure = undefined
    for (const file of environment.files) compilation.fileDependencies.add(file)
    const stage = Compilation.PROCESS_ASSETS_STAGE_DEV_TOOLING + 2
    compilation.hooks.processAssets.tapPromise({ name: NAME, stage }, async (assets) => {
      try {
        const changed = await environment.addTo({
          outputs: new Map(
            Object.entries(assets).map(([name, source]) => [
              name,
              () => source.source().toString(),
            ]),
          ),
          entries: entriesOf(compilation),
          target: { format: 'cjs', ...targetOf() },
        })
        for (const [name, text] of changed) {
          const source = new sources.RawSource(text)
          // Rspack writes an asset again only if its version differs.
          const version = createHash('sha256').update(text).digest('hex')
          if (name in assets) compilation.updateAsset(name, source, { version })
          else compilation.emitAsset(name, source)
        }
      } catch (error) {
        failure = error
      }
    })
  })
  return () => {
    if (failure) throw failure
  }
}

/** Returns the scripts of the entry chunks, which load all other chunks. */
const entriesOf = ({ entrypoints }: Compilation): string[] =>
  [...entrypoints.values()].flatMap((entrypoint) =>
    [...entrypoint.getEntrypointChunk().files].filter((file) => SCRIPT.test(file)),
  )
