import { readFileSync } from 'node:fs'
import type { Compiler as RspackCompiler } from '@rspack/core'
import type { UnpluginOptions } from 'unplugin'
import type { Compiler as WebpackCompiler } from 'webpack'
import { KmsBuildError } from '../errors.js'
import { MARKER } from '../pipeline/collect/mark.js'
import { assetOf } from '../pipeline/leak-check/examine.js'
import { pathOf } from '../pipeline/leak-check/origins.js'
import { scrub } from '../pipeline/leak-check/scrub.js'
import type { BuildSession } from '../pipeline/session.js'
import type { ModuleHost, Target } from '../pipeline/target.js'
import { NAME, transformHook } from './transform.js'
import { graphOf } from './webpack-graph.js'
import { addVirtualModules, requestOf } from './webpack-virtual.js'

/** What unplugin's context holds while a loader runs, under webpack and Rspack alike. */
interface LoaderContext {
  getNativeBuildContext?: (() => unknown) | undefined
}

type Host = WebpackCompiler | RspackCompiler

/** The hooks of unplugin's that webpack and Rspack share. */
export function webpackLike(build: BuildSession) {
  const transform = transformHook(build, (context) =>
    hostOf((context as LoaderContext).getNativeBuildContext!() as NativeContext),
  )
  return {
    name: NAME,
    enforce: 'pre',
    buildStart: () => build.start(),
    watchChange: (id) => build.forget(id),
    // Asked before a loader runs, which would cost Rspack far more.
    transformInclude: (id) => build.includes(pathOf(id)) && mayHaveMarks(pathOf(id)),
    transform: {
      filter: transform.filter,
      handler(code, id) {
        neverCached(this)
        return transform.handler.call(this, code, id)
      },
    },
  } satisfies UnpluginOptions
}

/**
 * Whether the file as it lies on the disk has marks, or is on no disk. Marks that another loader makes
 * out of a file without any are never transformed, and fail the build.
 */
function mayHaveMarks(path: string): boolean {
  try {
    return readFileSync(path, 'utf8').includes(MARKER)
  } catch {
    return true
  }
}

/**
 * A module kept from an earlier build would hold the value of then, and the proof would not know
 * what to search for: a module with marks is transformed in every build.
 */
function neverCached(context: LoaderContext) {
  const { loaderContext } = context.getNativeBuildContext!() as NativeContext
  loaderContext.cacheable(false)
}

interface NativeContext {
  compiler: Host
  loaderContext: { cacheable(flag: boolean): void }
}

/** Known once the compiler has its defaults, which is after plugins are applied. */
function hostOf({ compiler }: NativeContext): Omit<ModuleHost, 'watch'> {
  const { options } = compiler
  return {
    target: {
      platform: platformOf(compiler),
      command: 'build',
      format: options.output.module === true ? 'esm' : 'cjs',
    },
    requestOf,
  }
}

function platformOf(compiler: Host): Target['platform'] {
  const { platform, options } = compiler as Partial<Host> & Pick<Host, 'options'>
  // webpack before 5.92 and Rspack before 1.7 have no `platform`.
  const { web, node } = platform ?? options.externalsPresets
  return web === true && node !== true ? 'browser' : 'node'
}

/** What takes webpack's own API, the same in Rspack: the build's own modules, and the check of what is finished. */
export function attach(build: BuildSession, host: Host) {
  // Types of the two differ in what we don't use.
  const compiler = host as WebpackCompiler
  const { Compilation, sources } = compiler.webpack
  build.setRoot(compiler.context)
  build.peers = peersOf(compiler, build)
  addVirtualModules(build, compiler)

  compiler.hooks.thisCompilation.tap(NAME, (compilation) => {
    const stage = Compilation.PROCESS_ASSETS_STAGE_DEV_TOOLING + 1
    compilation.hooks.processAssets.tap({ name: NAME, stage }, (assets) => {
      if (!build.hasMarks) return
      for (const [name, source] of Object.entries(assets)) {
        const content = source.source()
        // webpack holds a map as bytes, which begin with a brace. What else is bytes is no code.
        if (typeof content !== 'string' && content[0] !== 0x7b) continue
        const text = content.toString()
        const scrubbed = scrub(text, name, build.isRedacted)
        if (scrubbed !== text) compilation.updateAsset(name, new sources.RawSource(scrubbed))
      }
    })
  })

  let refused = false
  runLast(compiler)
  // The last hook before files are written, and the only one whose failure stops them in every mode.
  compiler.hooks.emit.tapPromise({ name: NAME, stage: Infinity }, async (compilation) => {
    const assets = compilation
      .getAssets()
      .map(({ name, source }) => assetOf(name, () => source.source()))
    refused = false
    try {
      await build.checkOutputs(assets, graphOf(compilation), compiler)
      await build.record(compilation.outputOptions.path, assets, compiler)
    } catch (error) {
      // It would end a watch session, which is to build again once the mistake is mended.
      if (!compiler.watchMode || !(error instanceof KmsBuildError)) throw error
      refused = true
      for (const { name } of assets) compilation.deleteAsset(name)
      compilation.errors.push(new compiler.webpack.WebpackError(error.message))
      return
    }
    for (const { message } of build.warnings())
      compilation.warnings.push(new compiler.webpack.WebpackError(message))
  })
  compiler.hooks.afterEmit.tapPromise(NAME, async () => {
    // The build of a browser has nothing to list, and would replace the manifest of the server's.
    if (!refused && (build.hasSealed || platformOf(host) === 'node')) await build.writeManifest()
  })
}

/** Orders the taps of other plugins before ours, also those that are added later with the same stage. */
function runLast({ hooks }: WebpackCompiler) {
  hooks.emit.intercept({
    register: (tap) =>
      tap.name === NAME || tap.stage !== Infinity ? tap : { ...tap, stage: Number.MAX_VALUE },
  })
}

/** Sessions of all instances of the plugin that were applied to a compiler. */
const SESSIONS = new WeakMap<WebpackCompiler, BuildSession[]>()

function peersOf(compiler: WebpackCompiler, build: BuildSession): BuildSession[] {
  const sessions = SESSIONS.get(compiler) ?? []
  SESSIONS.set(compiler, sessions)
  sessions.push(build)
  return sessions
}
