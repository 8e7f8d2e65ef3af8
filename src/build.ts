import { existsSync, readFileSync } from 'node:fs'
import { relative, resolve as resolvePath, sep } from 'node:path'
import { collect } from './collect/collect.js'
import { MARKER, type Mark } from './collect/collected.js'
import { DEV, devModule, devOpening } from './emit/dev.js'
import { emit, type Opening } from './emit/emit.js'
import {
  CLIENT,
  CLIENT_CODE,
  directOpening,
  fingerprintIn,
  pairModuleCode,
  pairOpening,
  SHIM,
  shimModule,
} from './emit/shim.js'
import { KmsBuildError, type Place } from './errors.js'
import { createManifest } from './manifest.js'
import { resolveOptions, type Options } from './options.js'
import {
  clientMarks,
  inClient,
  proveClientBundle,
  refusedOpening,
  type ClientMark,
} from './prove/client-bundle.js'
import type { Asset } from './prove/examine.js'
import { importChain, type Graph } from './prove/origins.js'
import { asText, prove } from './prove/prove.js'
import { devValue, type DevValues } from './resolve/dev-values.js'
import { createRemote } from './resolve/remote.js'
import { fileOf, nameOf, resolve, shown, type Value } from './resolve/resolve.js'
import { kmsCalls } from './seal/kms.js'
import { loadSecretsFile } from './seal/load-secrets-file.js'
import { createSealer, type Sealed } from './seal/sealer.js'
import type { SecretsFile } from './seal/secrets-file.js'
import { updateTypes } from './secrets/types.js'
import { createTimings } from './timings.js'
import { warnings, type Noted } from './warnings.js'

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
}

export type Transformed = ReturnType<typeof emit>

/** Told of each file whose change makes a result stale, also when there will be no result. */
export type Watch = (file: string) => void

export type Build = ReturnType<typeof createBuild>

/** What is known of a module with marks, until it is transformed again. */
interface Remembered extends Noted {
  sync: Mark[]
}

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
  const modules = new Map<string, Remembered>()
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

  /** Where a module that never passed through `transform` imports the marker, if it lies on the disk. */
  function importPlace(id: string): Place | null {
    const path = id.replace(/[?#].*$/, '')
    const text = existsSync(path) ? readFileSync(path, 'utf8') : ''
    const before = text.slice(0, Math.max(0, text.indexOf(MARKER)))
    if (!before) return null
    const lines = before.split('\n')
    return { file: fromRoot(path), line: lines.length, column: lines.at(-1)!.length }
  }

  // A module that is a data URL has its whole text, marks and all, for a name.
  const moduleShown = (id: string) =>
    /^\0?data:/.test(id) ? 'a module in a data URL' : fromRoot(id)

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

  async function transformModule(
    code: string,
    id: string,
    target: Target,
    watch: Watch,
  ): Promise<Transformed | null> {
    const path = id.replace(/[?#].*$/, '')
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
    refuseTarget(marks, id, target)
    if (target.client && options.client === 'error') {
      const client = clientMarks(marks)
      inBrowsers.set(id, client)
      return emit(code, path, collected, client.map(refusedOpening))
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
    remember(id, marks, values)
    const sealed = await timings.timed('seal', () =>
      Promise.all(marks.map((mark, index) => sealer.seal(mark, values[index]!, secretsFile))),
    )
    await manifest?.note(id, marks, sealed, secretsFile, sealer.pairOf)
    const openings = marks.map((mark, index) => opening(mark, sealed[index]!))
    const emitted = await timings.timed('emit', () => emit(code, path, collected, openings))
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

  const opening = (mark: Mark, value: Sealed): Opening =>
    'wrapped' in value
      ? directOpening(value, nameOf(mark), mark.format, options.runtime, options.aws)
      : pairOpening(value, nameOf(mark), mark.format)

  function refuseTarget(marks: Mark[], id: string, target: Target) {
    const { client, immediate, cjs, importersOf } = target
    const [first] = marks
    if (first && client && immediate && options.client === 'error')
      throw inClient(first, importChain(id, importersOf).map(fromRoot))
    const sync = marks.find((mark) => mark.sync)
    if (sync && (cjs ?? lacksAwait)) throw syncInCjs(sync)
  }

  const syncInCjs = (mark: Mark) =>
    new KmsBuildError(
      'SYNC_IN_CJS',
      `${shown(mark)} of unplugin-kms/secret/sync needs top-level await, which CommonJS output lacks. Build ESM (format 'esm', file name .mjs), or import from unplugin-kms/secret and await the secret.`,
      mark.place,
    )

  /** For bundlers that tell the output's format apart from the modules, before or after them. */
  function setCjs(cjs: boolean) {
    lacksAwait = cjs
    for (const { sync } of modules.values()) if (cjs && sync[0]) throw syncInCjs(sync[0])
  }

  function remember(id: string, marks: Mark[], values: Value[]) {
    const plaintextLiterals = marks.filter(
      (mark, index) => mark.source === 'literal' && 'plaintext' in values[index]!,
    )
    const [literal] = plaintextLiterals
    if (literal && options.plaintextLiterals === 'error') {
      throw new KmsBuildError(
        'PLAINTEXT_LITERAL',
        'a plaintext stands in the source, and in its git history. Seal it with npx unplugin-kms encrypt, or move it to the secrets file.',
        literal.place,
      )
    }
    const seen = marks.flatMap((mark, index) => {
      const value = values[index]!
      return 'plaintext' in value
        ? [{ name: nameOf(mark), plaintext: value.plaintext, json: mark.format === 'json' }]
        : []
    })
    modules.set(id, {
      seen,
      plaintextLiterals,
      sync: marks.filter(({ sync }) => sync),
      direct: values.filter(isDirect).length,
    })
  }

  const isDirect = (value: Value) =>
    'wrapped' in value || ('plaintext' in value && options.mode === 'direct')

  async function virtualModule(name: string, watch: Watch): Promise<string> {
    if (name === SHIM) return shimModule()
    if (name === CLIENT) return CLIENT_CODE
    if (name === DEV) return devModule()
    const fingerprint = fingerprintIn(name)!
    watch(options.secretsFile.path)
    await (started ??= load())
    const pair = await sealer.pairOf(fingerprint, secretsFile)
    if (!pair) {
      throw new KmsBuildError(
        'TOKEN_FOREIGN',
        `a module kept from an earlier build is sealed to ${fingerprint}, which this build does not know. Build without the bundler's cache.`,
      )
    }
    return pairModuleCode(pair, options.runtime, options.aws)
  }

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
    poison(importer?: string): KmsBuildError {
      const place = importer === undefined ? null : importPlace(importer)
      return (failure ??= new KmsBuildError(
        'MARK_UNTRANSFORMED',
        `${importer && !place ? `${moduleShown(importer)}: ` : ''}unplugin-kms/secret is imported by a module that the plugin never saw. Put the plugin first in the array of plugins, and into every build that bundles the module; see also the options include and exclude.`,
        place ?? undefined,
      ))
    },
  }
}
