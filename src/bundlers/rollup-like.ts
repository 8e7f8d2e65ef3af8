import type { ExternalOption, OutputBundle } from 'rollup'
import type { Build } from '../build.js'
import { SHIM } from '../emit/shim.js'
import { redactContents, scrubInlineMaps, scrubMap } from '../prove/scrub.js'

export const RESOLVED_SHIM = '\0unplugin-kms.shim'
const MARKERS = /^unplugin-kms\/secret(?:\/sync)?$/
const RESOLVED_MARKER = '\0unplugin-kms.marker?'

/** What the three contexts have in common of what `generateBundle` needs. */
interface GenerateContext {
  getModuleIds(): Iterable<string>
  warn(message: string): void
}

/** The hooks that Rollup, Rolldown and Vite share, all but the transform of a module. */
export function rollupLike(build: Build) {
  return {
    buildStart: () => build.start(),

    // Rolldown and Vite have the same option, under a type of their own.
    options<T>(options: T): T {
      const { external } = options as { external?: ExternalOption }
      return external ? { ...options, external: exceptShim(external) } : options
    },

    resolveId: {
      order: 'pre' as const,
      filter: { id: [/^\.\/unplugin-kms\.shim$/, MARKERS] },
      handler(source: string, importer?: string) {
        if (source === SHIM) return { id: RESOLVED_SHIM, external: false as const, moduleSideEffects: false }
        if (MARKERS.test(source)) return { id: RESOLVED_MARKER + (importer ?? ''), external: false as const }
        return null
      },
    },

    load: {
      order: 'pre' as const,
      filter: { id: /^\0unplugin-kms\./ },
      handler(id: string) {
        if (id === RESOLVED_SHIM) return build.shim()
        if (id.startsWith(RESOLVED_MARKER)) throw build.poison(id.slice(RESOLVED_MARKER.length))
        return null
      },
    },

    renderStart({ format }: { format: string }) {
      if (format !== 'es' && format !== 'esm' && format !== 'module') build.refuseCjs()
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
          if (output.fileName.endsWith('.map') && typeof output.source === 'string') output.source = scrubMap(output.source)
          return { name: output.fileName, content: output.source }
        })
        await build.prove(assets, [...this.getModuleIds()].filter((id) => !id.startsWith('\0')))
        for (const warning of build.warnings()) this.warn(warning)
      },
    },
  }
}

/** Whatever the user keeps out of the bundle, the shim and the marker are ours to answer for. */
function exceptShim(external: ExternalOption): ExternalOption {
  const isExternal =
    typeof external === 'function'
      ? external
      : (id: string) => [external].flat().some((item) => (typeof item === 'string' ? item === id : item.test(id)))
  return (id, importer, isResolved) =>
    id === SHIM || id.startsWith('\0unplugin-kms.') || MARKERS.test(id) ? false : isExternal(id, importer, isResolved)
}
