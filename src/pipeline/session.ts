import { dirname, relative, resolve as resolvePath, sep } from 'node:path'
import { withEndpointVariant } from '../aws/configuration.js'
import { kmsCalls } from '../aws/kms.js'
import type { DataKeyPair } from '../crypto/data-key-pair.js'
import { KmsBuildError } from '../errors.js'
import { resolveOptions } from '../options/resolve-options.js'
import type { Options, OptionsResolved } from '../options/types.js'
import type { SecretsFile } from '../secrets-file/parse.js'
import { updateTypes } from '../secrets-file/typings.js'
import { collect } from './collect/collect.js'
import { MARKER, MARKERS, type Mark } from './collect/mark.js'
import { placeholderIndex, plaintextLiterals } from './collect/literals.js'
import { collectServed, placedInSource } from './collect/served.js'
import type { Warning } from './diagnostics.js'
import { emit, refuseSync, type Emitted, type Opening } from './emit/emit.js'
import { marksModule, moduleCode } from './emit/shim.js'
import { tableModule } from './emit/table.js'
import { BuildCommand } from './leak-check/build-command.js'
import {
  checkClientBundle,
  clientMarks,
  inClient,
  refusedOpening,
  userChain,
} from './leak-check/client-bundle.js'
import type { Asset } from './leak-check/examine.js'
import { asText, checkOutputs, unseenModule } from './leak-check/leak-check.js'
import { pathOf, type Graph } from './leak-check/origins.js'
import type { Seen } from './leak-check/parts.js'
import { loadSecretsFile } from './load-secrets-file.js'
import { createManifest } from './manifest.js'
import { ModuleRegistry } from './module-registry.js'
import { fileOf } from './resolve/file.js'
import { showProgress } from './resolve/progress.js'
import { createRemote } from './resolve/remote.js'
import type { Remote } from './resolve/types.js'
import { createSealer, type Sealer } from './seal/sealer.js'
import type { ModuleHost, Watch } from './target.js'
import { createTimings } from './timings.js'
import { developmentOpenings, sealedOpenings } from './transform-marks.js'
import { warnings } from './warnings.js'

/**
 * One build, or one watch session of builds: collects, resolves, seals and emits each module, then
 * checks all outputs for leaks. A bundler's file calls these methods and contains its hooks only.
 */
export class BuildSession {
  readonly include: RegExp[]
  readonly exclude: RegExp[]
  /**
   * Sessions of all instances of the plugin in one build. A bundler may ask any of them for a module
   * that another one's marks import.
   */
  peers: BuildSession[] = []
  readonly #options: OptionsResolved
  readonly #remote: Remote
  readonly #sealer: Sealer
  readonly #timings = createTimings()
  readonly #manifest: ReturnType<typeof createManifest> | undefined
  readonly #modules = new ModuleRegistry()
  readonly #command: BuildCommand
  /** Plaintexts that the outputs of each build were searched for. */
  readonly #searched = new Map<unknown, Seen[]>()
  /** Sources as our maps show them. */
  readonly #redacted = new Set<string>()
  /** Plaintext literals of modules whose code has placeholders for them, by path. */
  readonly #literals = new Map<string, string[]>()
  readonly #kept = new Map<string, string>()
  #root: string
  #format: 'esm' | 'cjs' = 'esm'
  /** What to do about a mark in a browser bundle. */
  #clientAdvice: string | undefined
  #secretsFile: SecretsFile | null = null
  #loaded: Promise<void> | undefined
  /** The first failure. Some bundlers write their outputs although a module failed. */
  #failure: KmsBuildError | undefined

  /** @throws KmsBuildError OPTIONS_INVALID. */
  constructor(userOptions?: Options) {
    const options = resolveOptions(userOptions)
    const progress = showProgress()
    const kms = kmsCalls(options.aws, progress.whileKms)
    this.#options = options
    this.#remote = createRemote(options.aws, kms, options.sources, progress)
    this.#sealer = createSealer(options, kms, this.#remote.fetching.bounded)
    this.#manifest = options.manifest === undefined ? undefined : createManifest(options.manifest)
    this.#root = options.root
    this.#command = new BuildCommand(options.root, () => this.#modules.plaintexts)
    if (options.leakCheck.scope === 'build') this.#command.leave()
    this.include = options.include
    this.exclude = options.exclude
  }

  /** Sets the folder that places are relative to, so that messages and bundles are the same on every machine. */
  setRoot(folder: string): void {
    this.#root = folder
    this.#command.setRoot(folder)
  }

  /** Adds the folder of the outputs that are checked next. */
  addOutputFolder(folder: string): void {
    this.#command.addFolder(folder)
  }

  /** Keeps a dev server, which writes no outputs, apart from the builds of the process. */
  setServing(): void {
    this.#command.leave()
  }

  /** Sets the last sentence of CLIENT_BUNDLE: what to do next, in the terms of the user's framework. */
  setClientAdvice(advice: string | undefined): void {
    this.#clientAdvice = advice
  }

  /** Returns the folder that places are relative to. */
  get root(): string {
    return this.#root
  }

  /** Returns a path as messages and bundles show it. */
  fromRoot(path: string): string {
    return relative(this.#root, path).split(sep).join('/')
  }

  /** Sets the format of the outputs, for bundlers that report it apart from the modules. */
  setFormat(format: 'esm' | 'cjs'): void {
    this.#format = format
    if (format === 'cjs') refuseSync(this.#modules.marks)
  }

  /** Reads and checks the secrets file, before any source is read. Called again for each rebuild. */
  async start(): Promise<void> {
    this.#failure = undefined
    this.#loaded = this.#load()
    await this.#loaded
  }

  /** Returns whether the module may have marks, by its id. */
  includes(id: string): boolean {
    return (
      this.include.some((pattern) => pattern.test(id)) &&
      !this.exclude.some((pattern) => pattern.test(id))
    )
  }

  /**
   * Seals the marks of a module.
   *
   * @param id the module's path, perhaps with a query.
   * @returns null if the module has no marks.
   * @throws KmsBuildError with the place of the mark.
   */
  transform(code: string, id: string, host: ModuleHost): Promise<Emitted | null> {
    return this.#remembering(this.#transform(code, id, host))
  }

  /**
   * Returns the code of the module that the marker resolves to for a module that is not rewritten.
   *
   * @param marker the name that is imported.
   * @param id the importer's path, perhaps with a query.
   * @param compiled the importer's code if the bundler tells it, or else its source file is read.
   * @throws KmsBuildError MARK_UNTRANSFORMED if the importer's marks cannot be known, or if one is a
   *   plaintext literal.
   */
  serveMarker(marker: string, id: string, host: ModuleHost, compiled?: string): Promise<string> {
    return this.#remembering(this.#serve(marker, id, host, compiled))
  }

  /** Returns the code of one of the modules that exist only in the build, by its imported name. */
  virtual(name: string, watch: Watch): Promise<string> {
    return this.#remembering(this.#virtual(name, watch))
  }

  /**
   * Returns whether a module contains a plaintext, or may contain one because it does not parse.
   * Remembers its plaintext literals, in case they are masked before the module is compiled.
   */
  hasPlaintextLiteral(code: string, id: string): boolean {
    if (!code.includes(MARKER)) return false
    const path = pathOf(id)
    try {
      const literals = plaintextLiterals(collect(code, this.#fromRoot(path))?.marks)
      this.#literals.set(
        path,
        literals.map(({ argument }) => argument),
      )
      return literals.length > 0
    } catch (error) {
      // Some bundlers write their outputs although the module fails.
      if (error instanceof KmsBuildError) this.#failure ??= error
      return true
    }
  }

  /** Keeps the code of a module that a bundler will ask for by the returned name. */
  keepModule(code: string): string {
    const name = marksModule(code)
    this.#kept.set(name, code)
    return name
  }

  /** Removes a module that changed, or that lost its marks. */
  forget(id: string): void {
    this.#modules.forget(id)
    // A dev server starts once.
    if (resolvePath(id) === this.#options.secretsFile.path) this.#loaded = undefined
  }

  /** Returns whether any module had a mark. A build without marks is left as it is. */
  get hasMarks(): boolean {
    return this.#modules.hasMarks
  }

  /** Returns whether any mark was sealed, and not only rejected in a browser bundle. */
  get hasSealed(): boolean {
    return this.#modules.hasSealed
  }

  /** Returns whether a map of ours shows this source, which is redacted then. */
  readonly isRedacted = (source: string): boolean => this.#redacted.has(source)

  /** Returns the warnings to print after a successful build. */
  warnings(): Warning[] {
    return warnings(this.#modules.records, this.#options, this.#secretsFile)
  }

  /**
   * Checks all outputs before any is written.
   *
   * @param build identifies the build, as in `record`.
   * @throws KmsBuildError LEAK, MARK_UNTRANSFORMED, SHIM_EXTERNAL, CLIENT_BUNDLE, or the first
   *   failure of a module.
   */
  async checkOutputs(
    assets: Asset[],
    graph: Graph = { inputs: [] },
    build?: unknown,
  ): Promise<void> {
    if (this.#failure) throw this.#failure
    const { clientMarks } = this.#modules
    checkClientBundle(assets, clientMarks, graph, this.#fromRoot, this.#clientAdvice)
    await this.#timings.timed('leak check', () => this.#checkForLeaks(assets, graph, build))
    this.#timings.print()
  }

  /**
   * Checks a module that a dev server sends to a browser, after all transforms: frameworks remove
   * server code from it.
   *
   * @throws KmsBuildError CLIENT_BUNDLE if a mark is left in it.
   */
  checkClientModule(code: string, importersOf?: Graph['importersOf']): void {
    const left = this.#modules.clientMarks.find(({ sentinel }) => code.includes(sentinel))
    if (!left) return
    const chain = userChain(left.id, importersOf, this.#fromRoot)
    throw inClient(left.mark, chain, this.#clientAdvice)
  }

  /** Checks files that are copied next to the outputs, whether or not a module failed. */
  checkCopiedFiles(assets: Asset[]): Promise<void> {
    return this.#checkForLeaks(assets, { inputs: [] })
  }

  /** Remembers files that the bundler copies, to search them for plaintexts that become known later. */
  rememberCopiedFiles(files: { path: string; source: string }[], build: unknown): void {
    const outputs = files.map(({ path, source }) => ({ path, source, build, content: undefined }))
    this.#command.remember(outputs, build, [])
  }

  /**
   * Remembers checked outputs, named relative to the folder: for plaintexts that become known later,
   * and for the manifest.
   *
   * @param build identifies the build, since one plugin may be in several: a rebuild replaces its outputs.
   */
  async record(folder: string, outputs: Asset[], build?: unknown): Promise<void> {
    const remembered = outputs.map((output) => ({
      path: resolvePath(folder, output.name),
      build,
      source: undefined,
      content: output.content,
    }))
    this.#command.addFolder(folder)
    this.#command.remember(remembered, build, this.#searched.get(build) ?? [])
    // A build beside this one may have found a plaintext since the check.
    await this.#checkForLeaks([], { inputs: [] })
    this.#command.finish()
    await this.#manifest?.add(folder, outputs, build)
  }

  /** Writes the manifest, after the outputs. @throws KmsBuildError FILE_UNWRITABLE. */
  async writeManifest(): Promise<void> {
    await this.#manifest?.write(this.#modules.plaintexts, this.#options.leakCheck)
  }

  /** @throws KmsBuildError MARK_UNTRANSFORMED if a source that is embedded as text has marks. */
  refuseText(code: string, path: string): void {
    const file = this.#fromRoot(path)
    if (collect(code, file)) throw asText(file)
  }

  /** Returns the error for a module that imports the marker and did not pass through `transform`. */
  untransformedImport(importer?: string): KmsBuildError {
    return (this.#failure ??= unseenModule(importer, this.#fromRoot))
  }

  readonly #fromRoot = (path: string): string => this.fromRoot(path)

  async #load(): Promise<void> {
    this.#secretsFile = await loadSecretsFile(this.#options)
    // A warning here does not concern a build, whose checkout may be read-only.
    if (this.#secretsFile && this.#options.types) await updateTypes(this.#secretsFile)
  }

  #checkForLeaks(assets: Asset[], graph: Graph, build?: unknown): Promise<void> {
    const { plaintexts } = this.#command
    this.#searched.set(build, plaintexts)
    return checkOutputs(
      assets,
      plaintexts,
      this.#options.leakCheck,
      graph,
      this.#fromRoot,
      (seen) => this.#command.unsearched(seen, build),
    )
  }

  /** Remembers the first failure, so that the build fails at its end if the bundler continues. */
  async #remembering<T>(work: Promise<T>): Promise<T> {
    try {
      return await work
    } catch (error) {
      if (error instanceof KmsBuildError) this.#failure ??= error
      throw error
    }
  }

  async #transform(code: string, id: string, host: ModuleHost): Promise<Emitted | null> {
    const path = pathOf(id)
    // The registry keeps the module until it is replaced: another build may be checked meanwhile.
    const collected = code.includes(MARKER)
      ? await this.#timings.timed('collect', () => collect(code, this.#fromRoot(path)))
      : null
    if (!collected) {
      this.forget(id)
      return null
    }
    if (host.isCompiled)
      collected.marks = placedInSource(collected.marks, path, this.#fromRoot(path))
    const openings = await this.#openings(id, collected.marks, host)
    const emitted = await this.#timings.timed('emit', () =>
      emit(code, path, collected, openings, host.requestOf, host.isCompiled),
    )
    this.#redacted.add(emitted.shown)
    return emitted
  }

  async #serve(marker: string, id: string, host: ModuleHost, compiled?: string): Promise<string> {
    const path = pathOf(id)
    const file = this.#fromRoot(path)
    const isMasked = (argument: string) => this.#unmasked(argument, path) !== undefined
    const marks = await this.#timings.timed('collect', () =>
      collectServed({ path, file, compiled, command: host.target.command, isMasked }),
    )
    if (!marks) throw this.untransformedImport(id)
    host.watch(path)
    const openings = await this.#openings(id, marks, host)
    return tableModule(file, marks, openings, MARKERS.get(marker)!, host.requestOf)
  }

  /** Returns the plaintext that a placeholder is for, or undefined if it is none. */
  #unmasked(argument: string, path: string): string | undefined {
    const index = placeholderIndex(argument)
    return index === undefined ? undefined : this.#literals.get(path)?.[index]
  }

  /** Returns the calls that the marks of a module become, for its target. */
  async #openings(id: string, collected: Mark[], host: ModuleHost): Promise<Opening[]> {
    const path = pathOf(id)
    const marks = collected.map((mark) => ({
      ...mark,
      argument:
        (mark.source === 'literal' ? this.#unmasked(mark.argument, path) : undefined) ??
        mark.argument,
    }))
    this.#command.addFolder(dirname(path))
    host.watch(this.#options.secretsFile.path)
    for (const mark of marks) if (mark.source === 'file') host.watch(fileOf(mark, path))
    await (this.#loaded ??= this.#load())
    const { platform, command, format = this.#format } = host.target
    const isRefused = platform === 'browser' && this.#options.client === 'error'
    if (format === 'cjs') refuseSync(marks)
    if (isRefused) {
      const client = clientMarks(marks)
      this.#modules.addClient(id, client)
      return client.map(refusedOpening)
    }
    const { devValues } = this.#options
    if (command === 'serve' && devValues) {
      if (typeof devValues === 'string') host.watch(devValues)
      return developmentOpenings(marks, devValues)
    }
    const secretsFile = this.#secretsFile
    const sealer = this.#sealer
    return sealedOpenings(marks, path, {
      options: this.#options,
      secretsFile,
      sealer,
      remote: this.#remote,
      timings: this.#timings,
      onResolved: (record) => this.#modules.add(id, record),
      onSealed: (sealed) => this.#manifest?.note(id, marks, sealed, secretsFile, sealer.pairOf),
    })
  }

  async #virtual(name: string, watch: Watch): Promise<string> {
    for (const session of new Set([this, ...this.peers])) {
      const code = session.keptModule(name)
      if (code !== undefined) return code
    }
    return moduleCode(name, async (fingerprint) => {
      watch(this.#options.secretsFile.path)
      for (const session of new Set([this, ...this.peers])) {
        const found = await session.pairOptions(fingerprint)
        if (found) return found
      }
      return undefined
    })
  }

  // The next two are called on sessions of other copies of this package, which have no private field
  // of this class.

  /** Returns the code of a module that `keepModule` kept. */
  keptModule(name: string): string | undefined {
    return this.#kept.get(name)
  }

  /** Returns a data key pair that this session seals to, and how its shim behaves. */
  async pairOptions(
    fingerprint: string,
  ): Promise<{ pair: DataKeyPair; options: Pick<OptionsResolved, 'runtime' | 'aws'> } | undefined> {
    await (this.#loaded ??= this.#load())
    const pair = await this.#sealer.pairOf(fingerprint, this.#secretsFile)
    if (!pair) return undefined
    const { runtime, aws } = this.#options
    return { pair, options: { runtime, aws: await withEndpointVariant(aws) } }
  }
}
