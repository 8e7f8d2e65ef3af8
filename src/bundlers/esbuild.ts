import { dirname, extname, resolve } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import type {
  BuildOptions,
  BuildResult,
  Loader,
  OnLoadResult,
  PartialMessage,
  Plugin,
  PluginBuild,
} from 'esbuild'
import { KmsBuildError } from '../errors.js'
import type { Options } from '../options/types.js'
import { MARKER } from '../pipeline/collect/mark.js'
import type { EmittedModule } from '../pipeline/emit/emit.js'
import { VIRTUAL } from '../pipeline/emit/shim.js'
import { scrubInlineMaps } from '../pipeline/leak-check/scrub.js'
import { BuildSession } from '../pipeline/session.js'
import { nodeWithoutMlKem } from '../pipeline/node-target.js'
import type { OutputTarget, Watch } from '../pipeline/target.js'
import { readText } from '../util/read-text.js'
import { callable } from './require-default.js'
import { watchEnvironment } from './esbuild-entries.js'
import { filterOf } from './esbuild-filter.js'
import { finish, finishAgain, notHeld, root } from './esbuild-finish.js'
import { OutputHold } from './esbuild-hold.js'
import { messagePrinter } from './esbuild-messages.js'
import { registerFirst } from './esbuild-order.js'
import { Sources } from './esbuild-sources.js'
import { NAME } from './transform.js'
import { MARKERS } from './virtual.js'

/**
 * Returns the esbuild plugin. Put it first in the array of plugins.
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
function kms(options?: Options): Plugin {
  const build = new BuildSession(options)
  // With `include: []` every import of the marker resolves to its own module, without calls per file.
  const filter = build.include.length ? filterOf(options?.exclude !== undefined) : /^$/
  return { name: NAME, setup: (host) => setup(host, build, filter) }
}
callable(kms)
export { kms as default, kms as 'module.exports' }

const LOADERS: Record<string, Loader> = {
  '.ts': 'ts',
  '.mts': 'ts',
  '.cts': 'ts',
  '.tsx': 'tsx',
  '.jsx': 'jsx',
}

function setup(host: PluginBuild, build: BuildSession, filter: RegExp) {
  const options = host.initialOptions
  const atStart = () => {
    const isHeld = hold.release()
    return reporting(async () => {
      if (!isHeld) throw notHeld()
      await build.start()
    })
  }
  const atEnd = (isFinished: (result: BuildResult) => boolean, work: typeof finish) =>
    async function onEnd(result: BuildResult) {
      const finished = await reporting(async () => {
        if (result.errors.length || isFinished(result)) return {}
        return { warnings: await work(result, options, hold, targetOf(options)) }
      })
      // A later plugin might write what failed the check.
      if ('errors' in finished) result.outputFiles = []
      return print(finished)
    }
  const firstEnd = atEnd((result) => !hold.isFirstToSee(result), finish)
  const hasEarlierOnEnd = registerFirst(host, atStart, firstEnd)
  const hold = OutputHold.join(host, build)
  const print = messagePrinter(host, NAME)

  configure(build, options)
  watchEnvironment(host, build, hold.sessions)
  host.onResolve({ filter: VIRTUAL }, ({ path }) => ({ path, namespace: NAME, sideEffects: false }))
  host.onResolve({ filter: MARKERS }, ({ path, importer }) => {
    // Another instance of the plugin, which is called next, includes the importer.
    const owner = hold.sessions.find((session) => session.includes(importer))
    if (owner && owner !== build && !build.includes(importer)) return null
    // Without the file extension, which plugins before ours could match.
    const suffix = `?${build.fromRoot(importer).replaceAll('.', '%2E')}`
    return { path, suffix, namespace: NAME, sideEffects: false, pluginData: importer }
  })
  host.onLoad({ filter: /.*/, namespace: NAME }, ({ path, suffix, pluginData }) =>
    loading(async (watch) => {
      hold.loaded.add(`${NAME}:${path}${suffix}`)
      const contents = VIRTUAL.test(path)
        ? await build.virtual(path, watch)
        : await build.serveMarker(
            path,
            pluginData as string,
            { target: targetOf(options), watch },
            stdinAt(pluginData as string, options),
          )
      return { contents, loader: 'js' }
    }),
  )

  loadModules(host, build, hold, filter)
  hold.hasOtherOnEnd ||= hasEarlierOnEnd
  hold.onLastSetup = (last) => last.onEnd(atEnd(() => !hold.hasOtherOnEnd, finishAgain))
  if (hold.isLast) hold.onLastSetup(host)
}

/** Seals the marks of each module that the filter matches. */
function loadModules(host: PluginBuild, build: BuildSession, hold: OutputHold, filter: RegExp) {
  const options = host.initialOptions
  const loadsBefore = hold.laterLoads.count
  const sources = new Sources()
  host.onLoad({ filter, namespace: 'file' }, (args) => {
    const { path, suffix, pluginData } = args
    // Another plugin resolved the module.
    if (!build.includes(path) || (suffix && pluginData !== undefined)) return null
    const code = sources.readMarked(path)
    if (code === null) {
      build.forget(path + suffix)
      return null
    }
    return loading(async (watch) => {
      const text = code || (await readAgain(path))
      const loaded = text.includes(MARKER) ? await hold.laterLoads.load(args, loadsBefore) : null
      if (loaded?.errors?.length) return loaded
      const contents = loaded?.contents === undefined ? text : textOf(loaded.contents)
      // Compiled to CommonJS: the marker's own module serves it.
      if (loaded && REQUIRE.test(contents)) return loaded
      const served = { target: targetOf(options), watch }
      const result = await build.transform(contents, path + suffix, served)
      if (!result) return loaded
      const extension = extname(path)
      return {
        loader: options.loader?.[extension] ?? LOADERS[extension] ?? 'js',
        resolveDir: dirname(path),
        ...loaded,
        contents:
          options.sourcemap && !loaded
            ? withMap(result)
            : scrubInlineMaps(result.code, build.isRedacted),
      }
    })
  })
}

/** Returns errors as messages. For a thrown error, esbuild would also print lines of the plugin's code. */
async function reporting<T>(work: () => Promise<T>): Promise<T | { errors: PartialMessage[] }> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof KmsBuildError)) throw error
    return { errors: [{ text: error.message, detail: error }] }
  }
}

/** Adds the files to watch to a result or an error, so that fixing them starts the next build. */
async function loading(
  work: (watch: Watch) => Promise<OnLoadResult | null>,
): Promise<OnLoadResult | null> {
  const watchFiles: string[] = []
  const result = await reporting(() => work((file) => watchFiles.push(file)))
  return result && { ...result, watchFiles: [...watchFiles, ...watchedBy(result)] }
}

const REQUIRE = /\brequire\(\s*["']unplugin-kms\/secret/

const watchedBy = (result: OnLoadResult) => result.watchFiles ?? []

const withMap = ({ code, map }: EmittedModule) => `${code}\n//# sourceMappingURL=${map.toUrl()}`

const textOf = (contents: string | Uint8Array) =>
  typeof contents === 'string' ? contents : new TextDecoder().decode(contents)

/**
 * Waits for an empty file, which an editor is most likely about to write. Otherwise esbuild would read it
 * itself a moment later, with its marks, and the build would fail.
 */
async function readAgain(path: string): Promise<string> {
  for (let times = 0; times < 10; times++) {
    await setTimeout(10)
    const code = readText(path)
    if (code) return code
  }
  return ''
}

const targetOf = (options: BuildOptions): OutputTarget => ({
  platform: options.platform === 'node' || options.platform === 'neutral' ? 'node' : 'browser',
  command: 'build',
  format: isCjs(options) ? 'cjs' : 'esm',
  withoutMlKem: nodeWithoutMlKem(options.target),
})

/** Returns the contents of the option `stdin` if that is the importer. It is not a file. */
function stdinAt(importer: string, options: BuildOptions): string | undefined {
  const { contents, sourcefile = '<stdin>', resolveDir = '' } = options.stdin ?? {}
  const isStdin = [sourcefile, resolve(root(options), resolveDir, sourcefile)].includes(importer)
  return contents !== undefined && isStdin ? textOf(contents) : undefined
}

/** Passes on what esbuild's options say of the build. */
function configure(build: BuildSession, options: BuildOptions): void {
  build.setRoot(root(options))
}

const isCjs = ({ format, platform, bundle }: BuildOptions) =>
  format === 'cjs' || format === 'iife' || (!format && Boolean(bundle) && platform !== 'neutral')

export type { BuildResult }
