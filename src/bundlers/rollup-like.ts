import { dirname, resolve } from 'node:path'
import type { ExternalOption, OutputAsset, OutputBundle, OutputChunk } from 'rollup'
import { VIRTUAL } from '../pipeline/emit/shim.js'
import { assetOf } from '../pipeline/leak-check/examine.js'
import type { Graph } from '../pipeline/leak-check/origins.js'
import { redactContents, scrub, scrubInlineMaps } from '../pipeline/leak-check/scrub.js'
import type { BuildSession } from '../pipeline/session.js'
import { DECLARATION } from '../util/declaration-file.js'
import { NAME } from './transform.js'
import { MARKERS, OWN_ID, virtualModules, type ServingHost } from './virtual.js'

/** What the three contexts have in common of what `generateBundle` needs. */
interface GenerateContext {
  getModuleIds(): Iterable<string>
  getModuleInfo(id: string): {
    code?: string | null
    importers: readonly string[]
    dynamicImporters: readonly string[]
  } | null
  warn(message: string): void
}

/** Where Rollup, Rolldown and Vite write an output to. */
interface OutputPlace {
  dir?: string | undefined
  file?: string | undefined
  format?: string | undefined
  entryFileNames?: unknown
}

const folderOf = ({ dir, file }: OutputPlace) => resolve(dir ?? dirname(file ?? ''))

/** Identifies an output among all that one instance of the plugin may see, over all rebuilds. */
const identityOf = (context: unknown, output: OutputPlace) =>
  JSON.stringify([
    (context as { environment?: { name: string } }).environment?.name,
    folderOf(output),
    output.file,
    output.format,
    String(output.entryFileNames),
  ])

/** The hooks that Rollup, Rolldown and Vite share, all but the transform of a module. */
export function rollupLike(
  build: BuildSession,
  hostOf: (context: unknown, importer: string) => ServingHost = compiledHost,
) {
  const { resolveId, load } = virtualModules(build, hostOf)

  const checkBundle = bundleCheck(build)

  // Ours is the first plugin, and others that ask to come late come after it.
  const last = {
    name: `${NAME}:leak-check`,
    generateBundle: { order: 'post' as const, handler: checkBundle },
  }
  // Unless another plugin's `options` takes it out again.
  let isLast = false

  return {
    // By which other instances of the plugin in the same build find this one. A function, since a
    // framework that merges configurations may clone objects, without their private fields.
    api: { [NAME]: () => build },

    buildStart({ plugins }: { plugins?: unknown }) {
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
        ...(plugins !== undefined && { plugins: [...flat(plugins), last] }),
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
        if (!isLast) await checkBundle.call(this, output, generated)
      },
    },

    // A browser's build beside the server's has nothing to list, and must not list it over the other.
    async writeBundle(this: unknown) {
      if (build.modules.hasSealed || !isClient(this)) await build.outputs.writeManifest()
    },
  }
}

/** Returns the hook that checks and records the outputs of a bundle. */
function bundleCheck(build: BuildSession) {
  return async function checkBundle(this: GenerateContext, output: OutputPlace, generated: object) {
    const files = Object.values(generated as OutputBundle)
    if (build.modules.hasMarks) for (const file of files) scrubFile(file, build)
    const assets = files.map((file) =>
      assetOf(file.fileName, () => (file.type === 'chunk' ? file.code : file.source)),
    )
    const identity = identityOf(this, output)
    build.outputs.addFolder(folderOf(output))
    await build.outputs.check(assets, graphOf(this), identity)
    await build.outputs.record(folderOf(output), assets, identity)
    for (const { message } of build.warnings()) this.warn(message)
  }
}

/** Returns the importer's code as all plugins have left it, which Rollup and Rolldown tell. */
export const compiledHost = (context: unknown, importer: string): ServingHost => ({
  compiled: (context as GenerateContext).getModuleInfo(importer)?.code ?? undefined,
})

/** Other plugins expect a flat list of plugins in their own `options`, as Vite's is without us. */
const flat = (plugins: unknown): unknown[] => [plugins].flat(Infinity).filter(Boolean)

/** Made when it is asked for, which is when a build fails. */
const graphOf = (context: GenerateContext): Graph => ({
  get inputs() {
    return [...context.getModuleIds()].filter((id) => !id.startsWith('\0'))
  },
  importersOf(id) {
    const { importers = [], dynamicImporters = [] } = context.getModuleInfo(id) ?? {}
    return [...importers, ...dynamicImporters]
  },
})

/** Redacts what maps show, and gives back only what has changed. */
function scrubFile(file: OutputChunk | OutputAsset, { isRedacted }: BuildSession) {
  if (file.type === 'asset') {
    const { fileName, source } = file
    const scrubbed = typeof source === 'string' ? scrub(source, fileName, isRedacted) : source
    if (scrubbed !== source) file.source = scrubbed
    return
  }
  if (file.map) redactContents(file.map, isRedacted)
  const { code } = file
  const scrubbed = scrubInlineMaps(code, isRedacted)
  if (scrubbed !== code) file.code = scrubbed
}

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
