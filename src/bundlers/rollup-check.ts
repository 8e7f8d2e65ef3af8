import { dirname, resolve } from 'node:path'
import type { OutputAsset, OutputBundle, OutputChunk } from 'rollup'
import { assetOf } from '../pipeline/leak-check/examine.js'
import type { Graph } from '../pipeline/leak-check/origins.js'
import { redactContents, scrub, scrubInlineMaps } from '../pipeline/leak-check/scrub.js'
import type { BuildSession } from '../pipeline/session.js'
import type { EntriesContext } from './rollup-entries.js'
import { NAME } from './transform.js'

/** The parts of the contexts of Rollup, Rolldown and Vite that `generateBundle` needs. */
export interface GenerateContext extends EntriesContext {
  getModuleIds(): Iterable<string>
  getModuleInfo(id: string): {
    code?: string | null
    importers: readonly string[]
    dynamicImporters: readonly string[]
  } | null
  warn(message: string): void
}

/** The options of Rollup, Rolldown and Vite for the place of an output. */
export interface OutputPlace {
  dir?: string | undefined
  file?: string | undefined
  format?: string | undefined
  entryFileNames?: unknown
}

const folderOf = ({ dir, file }: OutputPlace) => resolve(dir ?? dirname(file ?? ''))

/** Identifies an output of one plugin instance across rebuilds. */
const identityOf = (context: unknown, output: OutputPlace) =>
  JSON.stringify([
    (context as { environment?: { name: string } }).environment?.name,
    folderOf(output),
    output.file,
    output.format,
    String(output.entryFileNames),
  ])

/** Returns the hook that checks and records the outputs of a bundle. */
export function bundleCheck(build: BuildSession) {
  return async (
    context: GenerateContext,
    output: OutputPlace,
    files: (OutputChunk | OutputAsset)[],
    removed: (OutputChunk | OutputAsset)[] = [],
  ) => {
    if (build.modules.hasMarks) for (const file of files) scrubFile(file, build)
    const assets = files.map(assetOfFile)
    const identity = identityOf(context, output)
    build.outputs.addFolder(folderOf(output))
    await build.outputs.check([...assets, ...removed.map(assetOfFile)], graphOf(context), identity)
    await build.outputs.watchFolder(folderOf(output))
    await build.outputs.record(folderOf(output), assets, identity)
    for (const { message } of build.warnings()) context.warn(message)
  }
}

const assetOfFile = (file: OutputChunk | OutputAsset) =>
  assetOf(file.fileName, () => (file.type === 'chunk' ? file.code : file.source))

/**
 * Returns two plugins: one that sees the bundle before others remove files from it, as frameworks do with
 * scripts that they put into a page, and one that checks it after all others that ask to come late.
 * Plugins of Rollup's option `output.plugins` come later still, and others write files themselves:
 * what is on disk is checked again.
 */
export function lastPlugins(build: BuildSession, checkBundle: ReturnType<typeof bundleCheck>) {
  const folders = new Set<string>()
  const generated = new Map<string, OutputBundle>()
  const first = {
    name: `${NAME}:outputs`,
    generateBundle: {
      order: 'pre' as const,
      handler(this: GenerateContext, output: OutputPlace, bundle: object) {
        generated.set(identityOf(this, output), { ...(bundle as OutputBundle) })
      },
    },
  }
  const last = {
    name: `${NAME}:leak-check`,
    generateBundle: {
      order: 'post' as const,
      handler(this: GenerateContext, output: OutputPlace, bundle: object) {
        const identity = identityOf(this, output)
        const before = Object.values(generated.get(identity) ?? {})
        generated.delete(identity)
        folders.add(folderOf(output))
        const files = Object.values(bundle as OutputBundle)
        const names = new Set(files.map(({ fileName }) => fileName))
        const removed = before.filter(({ fileName }) => !names.has(fileName))
        return checkBundle(this, output, files, removed)
      },
    },
    writeBundle: {
      order: 'post' as const,
      sequential: true as const,
      handler: (output: OutputPlace) => build.outputs.checkFolder(folderOf(output)),
    },
    closeBundle: {
      order: 'post' as const,
      sequential: true as const,
      async handler() {
        for (const folder of folders) await build.outputs.checkFolder(folder)
      },
    },
  }
  return { first, last }
}

/** Returns the module graph, built on demand. */
const graphOf = (context: GenerateContext): Graph => ({
  get inputs() {
    return [...context.getModuleIds()].filter((id) => !id.startsWith('\0'))
  },
  importersOf(id) {
    const { importers = [], dynamicImporters = [] } = context.getModuleInfo(id) ?? {}
    return [...importers, ...dynamicImporters]
  },
})

/** Redacts source maps. @returns only the changed files. */
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
