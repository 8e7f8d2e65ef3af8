import type { ExternalOption, OutputBundle } from 'rollup'
import { VIRTUAL } from '../pipeline/emit/shim.js'
import type { BuildSession } from '../pipeline/session.js'
import { NODE_BUILD, type Target } from '../pipeline/target.js'
import { DECLARATION } from '../util/declaration-file.js'
import { bundleCheck, lastPlugins, type GenerateContext, type OutputPlace } from './rollup-check.js'
import { addEnvironment } from './rollup-entries.js'
import { NAME } from './transform.js'
import { MARKERS, OWN_ID, virtualModules, type ServingHost } from './virtual.js'

/** Returns the hooks that Rollup, Rolldown and Vite share, except for the transform. */
export function rollupLike(
  build: BuildSession,
  hostOf: (context: unknown, importer: string) => ServingHost = compiledHost,
  targetOf: (context: unknown) => Target = () => NODE_BUILD,
) {
  const { resolveId, load } = virtualModules(build, hostOf)

  const checkBundle = bundleCheck(build)

  const { first, last } = lastPlugins(build, checkBundle)
  // Unless the `options` hook of another plugin removes it.
  let isLast = false

  return {
    // Other instances of the plugin in the same build find this one by it. A function, because a
    // framework that merges configurations may clone objects, which drops private fields.
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

    // A browser build next to the server's has nothing to list, and must not replace the manifest.
    async writeBundle(this: unknown) {
      if (build.modules.hasSealed || !isClient(this)) await build.outputs.writeManifest()
    },
  }
}

/** Returns the importer's code after all plugins, which Rollup and Rolldown provide. */
export const compiledHost = (context: unknown, importer: string): ServingHost => ({
  compiled: (context as GenerateContext).getModuleInfo(importer)?.code ?? undefined,
})

/** Returns a flat list of plugins, which other plugins expect in their `options` hook. */
const flat = (plugins: unknown): unknown[] => [plugins].flat(Infinity).filter(Boolean)

/** Returns whether Vite builds for a browser. Rollup and Rolldown have no environments. */
export const isClient = (context: unknown) =>
  (context as { environment?: { config: { consumer: string } } }).environment?.config.consumer ===
  'client'

/** Returns the user's `external` without the shim and the marker. */
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
