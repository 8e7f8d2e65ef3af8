import type { ExternalOption, OutputBundle } from 'rollup'
import { VIRTUAL } from '../pipeline/emit/shim.js'
import type { BuildSession } from '../pipeline/session.js'
import { NODE_BUILD, type Target } from '../pipeline/target.js'
import { DECLARATION } from '../util/declaration-file.js'
import { bundleCheck, lastPlugins, type GenerateContext, type OutputPlace } from './rollup-check.js'
import { addEnvironment } from './rollup-entries.js'
import { NAME } from './transform.js'
import { MARKERS, OWN_ID, virtualModules, type ServingHost } from './virtual.js'

/** The hooks that Rollup, Rolldown and Vite share, all but the transform of a module. */
export function rollupLike(
  build: BuildSession,
  hostOf: (context: unknown, importer: string) => ServingHost = compiledHost,
  targetOf: (context: unknown) => Target = () => NODE_BUILD,
) {
  const { resolveId, load } = virtualModules(build, hostOf)

  const checkBundle = bundleCheck(build)

  const { first, last } = lastPlugins(build, checkBundle)
  // Unless another plugin's `options` takes it out again.
  let isLast = false

  return {
    // By which other instances of the plugin in the same build find this one. A function, since a
    // framework that merges configurations may clone objects, without their private fields.
    api: { [NAME]: () => build },

    buildStart(this: { addWatchFile(file: string): void }, { plugins }: { plugins?: unknown }) {
      for (const file of build.environment.files) this.addWatchFile(file)
      const all = flat(plugins)
      isLast = all.includes(last)
      build.peers = all.flatMap(
        (plugin) => (plugin as { api?: Record<string, () => BuildSession> }).api?.[NAME]?.() ?? [],
      )
      return build.start()
    },
    watchChange: (id: string) => build.forget(id),

    // Rolldown and Vite have the same option, under a type of their own.
    options<T>(options: T): T {
      const { external, plugins } = options as { external?: ExternalOption; plugins?: unknown }
      return {
        ...options,
        ...(plugins !== undefined && { plugins: [...flat(plugins), first, last] }),
        ...(external && { external: exceptOurs(external) }),
      }
    },

    resolveId: {
      order: 'pre' as const,
      filter: resolveId.filter,
      handler(source: string, importer?: string) {
        const id = resolveId.handler(source, importer)
        return id && { id, external: false as const, moduleSideEffects: false }
      },
    },

    load: { order: 'pre' as const, ...load },

    // Rollup calls this after the transforms, Rolldown before.
    outputOptions({ format = 'es' }: { format?: string | undefined }) {
      build.setFormat(['es', 'esm', 'module'].includes(format) ? 'esm' : 'cjs')
      return null
    },

    generateBundle: {
      order: 'post' as const,
      async handler(this: GenerateContext, output: OutputPlace, generated: object) {
        // Not in the last plugin, whose context has no environment of Vite's.
        const bundle = generated as OutputBundle
        const target = targetOf(this)
        const files = await addEnvironment(build, this, bundle, output.format, target)
        if (!isLast) await checkBundle(this, output, files)
      },
    },

    // A browser's build beside the server's has nothing to list, and must not list it over the other.
    async writeBundle(this: unknown) {
      if (build.modules.hasSealed || !isClient(this)) await build.outputs.writeManifest()
    },
  }
}

/** Returns the importer's code as all plugins have left it, which Rollup and Rolldown tell. */
export const compiledHost = (context: unknown, importer: string): ServingHost => ({
  compiled: (context as GenerateContext).getModuleInfo(importer)?.code ?? undefined,
})

/** Other plugins expect a flat list of plugins in their own `options`, as Vite's is without us. */
const flat = (plugins: unknown): unknown[] => [plugins].flat(Infinity).filter(Boolean)

/** Whether Vite builds for a browser: Rollup and Rolldown have no environments. */
export const isClient = (context: unknown) =>
  (context as { environment?: { config: { consumer: string } } }).environment?.config.consumer ===
  'client'

/** Whatever the user keeps out of the bundle, the shim and the marker are ours to answer for. */
function exceptOurs(external: ExternalOption): ExternalOption {
  const isExternal =
    typeof external === 'function'
      ? external
      : (id: string) =>
          [external].flat().some((item) => (typeof item === 'string' ? item === id : item.test(id)))
  return (id, importer, isResolved) =>
    VIRTUAL.test(id) ||
    OWN_ID.test(id) ||
    (MARKERS.test(id) && !(importer && DECLARATION.test(importer)))
      ? false
      : isExternal(id, importer, isResolved)
}
