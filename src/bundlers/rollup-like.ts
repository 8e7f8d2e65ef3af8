import type { ExternalOption, OutputBundle } from 'rollup'
import type { Build } from '../build.js'
import { VIRTUAL } from '../emit/shim.js'
import { redactContents, scrubInlineMaps, scrubMap } from '../prove/scrub.js'
import { loadHook, MARKERS, OWN_ID, resolveHook } from './virtual.js'

/** What the three contexts have in common of what `generateBundle` needs. */
interface GenerateContext {
  getModuleIds(): Iterable<string>
  getModuleInfo(
    id: string,
  ): { importers: readonly string[]; dynamicImporters: readonly string[] } | null
  warn(message: string): void
}

/** The hooks that Rollup, Rolldown and Vite share, all but the transform of a module. */
export function rollupLike(build: Build) {
  return {
    buildStart: () => build.start(),
    watchChange: (id: string) => build.forget(id),

    // Rolldown and Vite have the same option, under a type of their own.
    options<T>(options: T): T {
      const { external } = options as { external?: ExternalOption }
      return external ? { ...options, external: exceptOurs(external) } : options
    },

    resolveId: {
      order: 'pre' as const,
      filter: resolveHook.filter,
      handler(source: string, importer?: string) {
        const id = resolveHook.handler(source, importer)
        return id && { id, external: false as const, moduleSideEffects: false }
      },
    },

    load: { order: 'pre' as const, ...loadHook(build) },

    // Rollup calls this after the transforms, Rolldown before.
    outputOptions({ format = 'es' }: { format?: string | undefined }) {
      build.setCjs(!['es', 'esm', 'module'].includes(format))
      return null
    },

    generateBundle: {
      order: 'post' as const,
      async handler(this: GenerateContext, _: unknown, generated: object) {
        const bundle = generated as OutputBundle
        const assets = Object.values(bundle).map((output) => {
          if (output.type === 'chunk') {
            if (output.map) redactContents(output.map)
            output.code = scrubInlineMaps(output.code)
            return { name: output.fileName, content: output.code }
          }
          if (output.fileName.endsWith('.map') && typeof output.source === 'string')
            output.source = scrubMap(output.source)
          return { name: output.fileName, content: output.source }
        })
        await build.prove(assets, {
          inputs: [...this.getModuleIds()].filter((id) => !id.startsWith('\0')),
          importersOf: (id) => {
            const { importers = [], dynamicImporters = [] } = this.getModuleInfo(id) ?? {}
            return [...importers, ...dynamicImporters]
          },
        })
        for (const warning of build.warnings()) this.warn(warning)
      },
    },
  }
}

/** Whatever the user keeps out of the bundle, the shim and the marker are ours to answer for. */
function exceptOurs(external: ExternalOption): ExternalOption {
  const isExternal =
    typeof external === 'function'
      ? external
      : (id: string) =>
          [external].flat().some((item) => (typeof item === 'string' ? item === id : item.test(id)))
  return (id, importer, isResolved) =>
    VIRTUAL.test(id) || OWN_ID.test(id) || MARKERS.test(id)
      ? false
      : isExternal(id, importer, isResolved)
}
