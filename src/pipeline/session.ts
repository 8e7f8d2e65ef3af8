import { relative, resolve as resolvePath, sep } from 'node:path'
import { kmsCalls } from '../aws/kms.js'
import { KmsBuildError } from '../errors.js'
import { resolveOptions } from '../options/resolve-options.js'
import type { Options, DevValues } from '../options/types.js'
import type { SecretsFile } from '../secrets-file/parse.js'
import { updateTypes } from '../secrets-file/typings.js'
import { collect } from './collect/collect.js'
import { MARKER, type Mark, nameOf } from './collect/mark.js'
import { devOpening } from './emit/dev.js'
import { emit, refuseSync, type Opening } from './emit/emit.js'
import { moduleCode, openingOf } from './emit/shim.js'
import {
  clientMarks,
  inClient,
  proveClientBundle,
  refusedOpening,
  type ClientMark,
} from './leak-check/client-bundle.js'
import type { Asset } from './leak-check/examine.js'
import { asText, prove, unseenModule } from './leak-check/leak-check.js'
import { importChain, pathOf, type Graph } from './leak-check/origins.js'
import { loadSecretsFile } from './load-secrets-file.js'
import { createManifest } from './manifest.js'
import { devValue } from './resolve/dev-values.js'
import { fileOf } from './resolve/file.js'
import { createRemote } from './resolve/remote.js'
import { resolve } from './resolve/resolve.js'
import { createSealer } from './seal/sealer.js'
import { createTimings } from './timings.js'
import { note, warnings, type Noted } from './warnings.js'

/** What a bundler tells about the bundle that a module goes into. */
export interface Target {
  /** Whether a browser will run it. */
  client?: boolean
  /** Whether no bundle is made of it at the end: a dev server's modules. */
  immediate?: boolean
  /** Whether its format has no top-level await. */
  cjs?: boolean
  /** Where they are known before the bundle is made. */
  importersOf?: Graph['importersOf']
  /** What resolves to one of the build's own modules, if not its name. */
  requestOf?: (name: string) => string
}

/** Told of each file whose change makes a result stale, also when there will be no result. */
export type Watch = (file: string) => void

export type Build = ReturnType<typeof createBuild>

/**
 * One build, or one watch session of builds: collect, resolve, seal, emit for each module; then
 * prove, over all that came out. A bundler's file calls these and holds nothing but its hooks.
 */
export function createBuild(userOptions: Options | undefined) {
  const options = resolveOptions(userOptions)
  const kms = kmsCalls(options.aws)
  const remote = createRemote(options.aws, kms, options.sources)
  const timings = createTimings()
  const sealer = createSealer(options, kms, remote.fetching.bounded)
  const manifest = options.manifest === undefined ? null : createManifest(options.manifest)
  // Never emptied: what a module that left the build held may not stand in the output either.
  const modules = new Map<string, Noted>()
  const redacted = new Set<string>()
  // Apart from those: one plugin may stand in a browser's build and in the server's beside it.
  const inBrowsers = new Map<string, ClientMark[]>()
  let { root } = options
  let lacksAwait = false
  let secretsFile: SecretsFile | null = null
  let started: Promise<void> | undefined
  // Some bundlers write what they have although a module failed.
  let failure: KmsBuildError | undefined

  /** Places are shown, and named in bundles, relative to this folder: the same on every machine. */
  const setRoot = (folder: string) => void (root = folder)
  const fromRoot = (path: string) => relative(root, path).split(sep).join('/')

  /** Reads and checks the secrets file, before any source is read. Again at each rebuild. */
  async function start() {
    failure = undefined
    manifest?.clear()
    started = load()
    await started
  }

  async function load() {
    secretsFile = await loadSecretsFile(options)
    // Its warnings are no business of a build, whose checkout may well be read-only.
    if (secretsFile && options.types) await updateTypes(secretsFile)
  }

  const { include, exclude } = options

  /** Whether a module is looked at; its text decides whether it has marks. */
  const includes = (id: string) =>
    include.some((pattern) => pattern.test(id)) && !exclude.some((pattern) => pattern.test(id))

  /** For a file that changed, or a module that lost its marks: what is known of it no longer holds. */
  function forget(id: string) {
    modules.delete(id)
    inBrowsers.delete(id)
    // A dev server starts once.
    if (resolvePath(id) === options.secretsFile.path) started = undefined
  }

  /** Remembers the first failure, so that the build fails at its end if the bundler went on. */
  async function remembering<T>(work: Promise<T>): Promise<T> {
    try {
      return await work
    } catch (error) {
      if (error instanceof KmsBuildError) failure ??= error
      throw error
    }
  }

  async function transformModule(code: string, id: string, target: Target, watch: Watch) {
    const path = pathOf(id)
    const file = fromRoot(path)
    // What is known of the module holds until it is replaced: a build beside this one may be proven now.
    const collected = code.includes(MARKER)
      ? await timings.timed('collect', () => collect(code, file))
      : null
    if (!collected) {
      forget(id)
      return null
    }

    const { marks } = collected
    watch(options.secretsFile.path)
    for (const mark of marks) if (mark.source === 'file') watch(fileOf(mark, path))
    await (started ??= load())
    const isRefused = target.client && options.client === 'error'
    if (isRefused && target.immediate && marks[0])
      throw inClient(marks[0], importChain(id, target.importersOf).map(fromRoot))
    if (target.cjs ?? lacksAwait) refuseSync(marks)
    if (isRefused) {
      const client = clientMarks(marks)
      inBrowsers.set(id, client)
      return emit(code, path, collected, client.map(refusedOpening), target.requestOf)
    }
    if (target.immediate && options.devValues) {
      const openings = await developing(marks, options.devValues, watch)
      return emit(code, path, collected, openings)
    }
    const sources = {
      env: options.env,
      secretsFile,
      secretsFilePath: options.secretsFile.path,
      keyIds: sealer.keyIdsOf(secretsFile),
      remote,
    }
    const values = await timings.timed('resolve', () =>
      Promise.all(marks.map((mark) => resolve(mark, path, sources))),
    )
    modules.set(id, note(marks, values, options))
    const sealed = await timings.timed('seal', () =>
      Promise.all(marks.map((mark, index) => sealer.seal(mark, values[index]!, secretsFile))),
    )
    await manifest?.note(id, marks, sealed, secretsFile, sealer.pairOf)
    const openings = marks.map((mark, index) => openingOf(mark, sealed[index]!, options))
    const emitted = await timings.timed('emit', () =>
      emit(code, path, collected, openings, target.requestOf),
    )
    redacted.add(emitted.shown)
    return emitted
  }

  function developing(marks: Mark[], values: DevValues, watch: Watch): Promise<Opening[]> {
    if (typeof values === 'string') watch(values)
    return Promise.all(
      marks.map(async (mark) =>
        devOpening(await devValue(mark, values), nameOf(mark), mark.format),
      ),
    )
  }

  /** For bundlers that tell the output's format apart from the modules, before or after them. */
  function setCjs(cjs: boolean) {
    lacksAwait = cjs
    if (cjs) for (const { marks } of modules.values()) refuseSync(marks)
  }

  const virtualModule = (name: string, watch: Watch) =>
    moduleCode(name, options, async (fingerprint) => {
      watch(options.secretsFile.path)
      await (started ??= load())
      return sealer.pairOf(fingerprint, secretsFile)
    })

  const allSeen = () => [...modules.values()].flatMap(({ seen }) => seen)

  return {
    setRoot,
    start,
    include,
    exclude,
    includes,
    /** @returns null where the module has no marks. */
    transform: (code: string, id: string, target: Target, watch: Watch) =>
      remembering(transformModule(code, id, target, watch)),
    setCjs,
    /** What the user should know about a build that succeeded, one sentence each. */
    warnings: () => warnings([...modules.values()], options),
    /** Whether any module had a mark: a build without is left as it is. */
    hasMarks: () => modules.size + inBrowsers.size > 0,
    /** Whether any was sealed, and not only kept out of a browser. */
    hasSealed: () => modules.size > 0,
    forget,
    /** Whether a source is what a map of ours shows: most are, and need no second look. */
    isRedacted: (source: string) => redacted.has(source),
    /** The code of one of the modules that exist only in the build, by the name that is imported. */
    virtual: (name: string, watch: Watch) => remembering(virtualModule(name, watch)),
    /** @throws KmsBuildError before anything is written, unless all of it is free of plaintexts and marks. */
    async prove(assets: Asset[], graph: Graph = { inputs: [] }) {
      if (failure) throw failure
      const client = [...inBrowsers].flatMap(([id, marks]) =>
        marks.map((mark) => ({ id, ...mark })),
      )
      proveClientBundle(assets, client, graph, fromRoot)
      await timings.timed('prove', () => prove(assets, allSeen(), options.proof, graph, fromRoot))
      timings.print()
    },
    /** Of what is bundled beside the build, whatever failed in the build itself. */
    proveAside: (assets: Asset[]) =>
      prove(assets, allSeen(), options.proof, { inputs: [] }, fromRoot),
    /** @param outputs what was proven, named relative to the folder, as the manifest lists it. */
    record: async (folder: string, outputs: Asset[]) => manifest?.add(folder, outputs),
    /** Once the outputs are written. @throws KmsBuildError FILE_UNWRITABLE. */
    writeManifest: async () => manifest?.write(allSeen(), options.proof),
    /** @throws KmsBuildError MARK_UNTRANSFORMED where a source that is about to be a text has marks. */
    refuseText(code: string, path: string) {
      const file = fromRoot(path)
      if (collect(code, file)) throw asText(file)
    },
    /** What a module becomes that reached the bundler without passing through `transform`. */
    poison: (importer?: string): KmsBuildError => (failure ??= unseenModule(importer, fromRoot)),
  }
}
