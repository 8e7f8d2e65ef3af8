import type { Compiler as RspackCompiler } from '@rspack/core'
import type { UnpluginOptions } from 'unplugin'
import type { Compiler as WebpackCompiler } from 'webpack'
import { KmsBuildError } from '../errors.js'
import { MARKER } from '../pipeline/collect/mark.js'
import { assetOf } from '../pipeline/leak-check/examine.js'
import { pathOf } from '../pipeline/leak-check/origins.js'
import { scrub } from '../pipeline/leak-check/scrub.js'
import { nodeWithoutMlKem } from '../pipeline/node-target.js'
import type { BuildSession } from '../pipeline/session.js'
import type { ModuleHost, Target } from '../pipeline/target.js'
import { NAME } from './transform.js'
import { forgetReads, isCandidate, literalsRule } from './webpack-candidates.js'
import { addEnvironment } from './webpack-entries.js'
import { graphOf } from './webpack-graph.js'
import { nodeTargets } from './webpack-node-targets.js'
import { addVirtualModules, requestOf } from './webpack-virtual.js'

/** The context of unplugin while a loader runs, under webpack and Rspack. */
interface LoaderContext {
  getNativeBuildContext?: (() => unknown) | undefined
}

type Host = WebpackCompiler | RspackCompiler

/** Returns the unplugin hooks that webpack and Rspack share. */
export function webpackLike(build: BuildSession) {
  return {
    name: NAME,
    // After loaders that compile, some of which check types or run in other threads.
    enforce: 'post',
    buildStart: () => build.start(),
    watchChange: (id) => build.forget(id),
    // Checked before a loader runs, because loaders are slow in Rspack.
    transformInclude: (id) => isCandidate(build, pathOf(id)),
    transform: {
      filter: { code: MARKER },
      handler(code, id) {
        neverCached(this)
        const host = {
          ...hostOf(this.getNativeBuildContext!() as NativeContext),
          watch: (file: string) => this.addWatchFile(file),
          isCompiled: true,
        }
        return transformCompiled(build, code, id, host)
      },
    },
  } satisfies UnpluginOptions
}

async function transformCompiled(build: BuildSession, code: string, id: string, host: ModuleHost) {
  if (build.includes(id) && !REQUIRE.test(code)) {
    const result = await build.transform(code, id, host)
    if (!result) return null
    const { code: sealed } = result
    // Read only by a build with maps.
    return {
      code: sealed,
      get map() {
        return Object.assign({}, result.map)
      },
    }
  }
  const target: Target = REQUIRE.test(code) ? { ...host.target, format: 'cjs' } : host.target
  const tables = new Map<string, string>()
  for (const [, , , marker] of code.matchAll(NAMED_MARKER)) {
    if (tables.has(marker!)) continue
    const table = await build.serveMarker(marker!, id, { ...host, target }, code)
    tables.set(marker!, requestOf(build.keepModule(table)))
  }
  return {
    code: code.replace(
      NAMED_MARKER,
      (_, before: string, quote: string, marker: string) =>
        `${before}${quote}${tables.get(marker)}${quote}`,
    ),
  }
}

const REQUIRE = /\brequire\(\s*["']unplugin-kms\/secret/
const NAMED_MARKER =
  /(\b(?:from|import)\s*|\brequire\(\s*)(["'])(unplugin-kms\/secret(?:\/sync)?)\2/g

/**
 * Makes webpack transform a module with marks in every build. A cached module would contain the earlier
 * value, and the leak check would not know what to search for.
 */
function neverCached(context: LoaderContext) {
  const { loaderContext } = context.getNativeBuildContext!() as NativeContext
  loaderContext.cacheable(false)
}

interface NativeContext {
  compiler: Host
  loaderContext: { cacheable(flag: boolean): void }
}

/** Available after the compiler has its defaults, which it gets after plugins are applied. */
const hostOf = ({ compiler }: NativeContext): Omit<ModuleHost, 'watch'> => ({
  target: targetOf(compiler),
  requestOf,
})

const targetOf = (compiler: Host): Target => ({
  platform: platformOf(compiler),
  command: 'build',
  format: compiler.options.output.module === true ? 'esm' : 'cjs',
  withoutMlKem: nodeWithoutMlKem(nodeTargets(compiler)),
})

function platformOf(compiler: Host): Target['platform'] {
  const { platform, options } = compiler as Partial<Host> & Pick<Host, 'options'>
  // webpack before 5.92 and Rspack before 1.7 have no `platform`.
  const { web, node } = platform ?? options.externalsPresets
  return web === true && node !== true ? 'browser' : 'node'
}

/** Adds the hooks that need webpack's API, which Rspack shares: virtual modules, and the leak check. */
export function attach(build: BuildSession, host: Host) {
  // The types of the two differ only in parts that we do not use.
  const compiler = host as WebpackCompiler
  const { Compilation, sources } = compiler.webpack
  build.setRoot(compiler.context)
  build.peers = peersOf(compiler, build)
  nameLoader(compiler, build.peers.indexOf(build))
  addVirtualModules(build, compiler)
  compiler.options.module.rules.unshift(literalsRule(build))

  compiler.hooks.thisCompilation.tap(NAME, (compilation) => {
    forgetReads(build)
    const stage = Compilation.PROCESS_ASSETS_STAGE_DEV_TOOLING + 1
    compilation.hooks.processAssets.tap({ name: NAME, stage }, (assets) => {
      if (!build.modules.hasMarks) return
      for (const [name, source] of Object.entries(assets)) {
        const content = source.source()
        // webpack represents a map as bytes that start with a brace. Other bytes are not code.
        if (typeof content !== 'string' && content[0] !== 0x7b) continue
        const text = content.toString()
        const scrubbed = scrub(text, name, build.isRedacted)
        if (scrubbed !== text) compilation.updateAsset(name, new sources.RawSource(scrubbed))
      }
    })
  })

  const checkEnvironment = addEnvironment(build, compiler, () => targetOf(host))
  let refused = false
  runLast(compiler)
  // The last hook before files are written, and the only one whose failure prevents that in every mode.
  compiler.hooks.emit.tapPromise({ name: NAME, stage: Infinity }, async (compilation) => {
    const assets = compilation
      .getAssets()
      .map(({ name, source }) => assetOf(name, () => source.source()))
    refused = false
    try {
      checkEnvironment()
      await build.outputs.check(assets, graphOf(compilation), compiler)
      await build.outputs.watchFolder(compiler.outputPath)
      await build.outputs.record(compilation.outputOptions.path, assets, compiler)
    } catch (error) {
      // Throwing would end a watch session, which should build again after the fix.
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
    // A browser build has nothing to list, and would replace the server's manifest.
    if (!refused && (build.modules.hasSealed || platformOf(host) === 'node'))
      await build.outputs.writeManifest()
  })
  // Other plugins write files in `afterEmit` and `done`.
  compiler.hooks.done.tapPromise({ name: NAME, stage: Infinity }, async () => {
    if (!refused) await build.outputs.checkFolder(compiler.outputPath)
  })
}

/** Moves our tap after the taps of other plugins, also those that are added later with the same stage. */
function runLast({ hooks }: WebpackCompiler) {
  for (const hook of [hooks.emit, hooks.done])
    hook.intercept({
      register: (tap) =>
        tap.name === NAME || tap.stage !== Infinity ? tap : { ...tap, stage: Number.MAX_VALUE },
    })
}

/** Names loader options uniquely: Rspack identifies them by name, also across plugin instances. */
function nameLoader(compiler: WebpackCompiler, instance: number): void {
  // The rule that unplugin has just added.
  const rule = compiler.options.module.rules[0] as {
    use: (data: object) => { ident?: string }[]
  }
  if (!instance || typeof rule.use !== 'function') return
  const { use } = rule
  rule.use = (data) => use(data).map((item) => ({ ...item, ident: `${NAME}-${instance}` }))
}

/** Sessions of all instances of the plugin that were applied to a compiler. */
const SESSIONS = new WeakMap<WebpackCompiler, BuildSession[]>()

function peersOf(compiler: WebpackCompiler, build: BuildSession): BuildSession[] {
  const sessions = SESSIONS.get(compiler) ?? []
  SESSIONS.set(compiler, sessions)
  sessions.push(build)
  return sessions
}
