import { readFile } from 'node:fs/promises'
import { basename, dirname, extname, resolve } from 'node:path'
import type { BuildOptions, BuildResult, Loader, OnLoadResult, PartialMessage, PluginBuild } from 'esbuild'
import { createEsbuildPlugin } from 'unplugin'
import { createBuild, type Build } from '../build.js'
import { MARKER } from '../collect/collect.js'
import { SHIM } from '../emit/shim.js'
import { KmsBuildError } from '../errors.js'
import type { Options } from '../options.js'
import { NAME } from './transform.js'
import { holdWriting, writeOutputs } from './esbuild-write.js'

/**
 * The esbuild plugin; it stands first in the array of plugins.
 *
 * @example
 * ```js
 * import kms from 'unplugin-kms/esbuild'
 *
 * await esbuild.build({
 *   entryPoints: ['src/handler.ts'],
 *   outdir: 'dist',
 *   bundle: true,
 *   platform: 'node',
 *   format: 'esm',
 *   plugins: [kms({ keyId: 'alias/app' })],
 * })
 * ```
 */
const kms = createEsbuildPlugin<Options | undefined>((options) => {
  const build = createBuild(options)
  return { name: NAME, esbuild: { setup: (host) => setup(host, build) } }
})
export default kms

const LOADERS: Record<string, Loader> = { '.ts': 'ts', '.mts': 'ts', '.cts': 'ts', '.tsx': 'tsx', '.jsx': 'jsx' }

function setup(host: PluginBuild, build: Build) {
  const options = host.initialOptions
  const target = { client: isClient(options), cjs: isCjs(options) }
  const writing = holdWriting(options)

  host.onStart(() => reporting(async () => void (await build.start())))

  host.onResolve({ filter: /^\.\/unplugin-kms\.shim$/ }, () => ({ path: SHIM, namespace: NAME, sideEffects: false }))
  host.onResolve({ filter: /^unplugin-kms\/secret(?:\/sync)?$/ }, ({ path, importer }) => ({
    path,
    namespace: NAME,
    pluginData: importer,
  }))
  host.onLoad({ filter: /.*/, namespace: NAME }, ({ path, pluginData }) =>
    reporting(async () => {
      if (path !== SHIM) throw build.poison(pluginData as string)
      return { contents: await build.shim(), loader: 'js' }
    }),
  )

  host.onLoad({ filter: /\.[cm]?[jt]sx?$/, namespace: 'file' }, ({ path, suffix }) =>
    reporting(async () => {
      if (!build.includes(path)) return null
      const code = await readFile(path, 'utf8').catch(() => '')
      if (!code.includes(MARKER)) return null
      const result = await build.transform(code, path + suffix, target)
      if (!result) return null
      const extension = extname(path)
      return {
        contents: options.sourcemap ? `${result.code}\n//# sourceMappingURL=${result.map.toUrl()}` : result.code,
        loader: options.loader?.[extension] ?? LOADERS[extension] ?? 'js',
        resolveDir: dirname(path),
        watchFiles: result.dependencies,
      }
    }),
  )

  host.onEnd((result) =>
    reporting(async () => {
      if (result.errors.length) return
      const inputs = Object.keys(result.metafile?.inputs ?? {}).map((path) => resolve(root(options), path))
      await build.prove((result.outputFiles ?? []).map(({ path, contents }) => ({ name: basename(path), content: contents })), inputs)
      await writeOutputs(result, options, writing)
      return { warnings: build.warnings().map((text) => ({ text })) }
    }),
  )
}

/** esbuild prints a thrown error with lines of the plugin's own code; a message it prints as it is. */
async function reporting<T extends OnLoadResult | null | void | { warnings: PartialMessage[] }>(
  work: () => Promise<T>,
): Promise<T | { errors: PartialMessage[] }> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof KmsBuildError)) throw error
    return { errors: [{ text: error.message, detail: error }] }
  }
}

const root = ({ absWorkingDir }: BuildOptions) => absWorkingDir ?? process.cwd()

const isClient = ({ platform }: BuildOptions) => platform !== 'node' && platform !== 'neutral'

const isCjs = ({ format, platform, bundle }: BuildOptions) =>
  format === 'cjs' || format === 'iife' || (!format && Boolean(bundle) && platform !== 'neutral')

export type { BuildResult }
