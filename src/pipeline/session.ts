import { dirname, relative, resolve as resolvePath, sep } from 'node:path'
import { KmsBuildError } from '../errors.js'
import { resolveOptions } from '../options/resolve-options.js'
import type { Options, OptionsResolved } from '../options/types.js'
import { collect } from './collect/collect.js'
import { MARKERS, type Mark } from './collect/mark.js'
import { collectServed, placeMarksInSource } from './collect/served.js'
import type { Warning } from './diagnostics.js'
import { emit, type EmittedModule, type ShimCall } from './emit/emit.js'
import { marksModule, moduleCode } from './emit/shim.js'
import { tableModule } from './emit/table.js'
import { EntryEnvironment } from './entry-environment.js'
import { unseenModule } from './leak-check/leak-check.js'
import { pathOf } from './leak-check/origins.js'
import { createManifest } from './manifest.js'
import { MaskedLiterals } from './masked-literals.js'
import { ModuleRegistry } from './module-registry.js'
import { Outputs } from './outputs.js'
import { syncFormOf, type ModuleHost, type Watch } from './target.js'
import { createTimings } from './timings.js'
import { MarkTransformer, type PairOptions } from './transform-marks.js'
import { warnings } from './warnings.js'

/**
 * One build, or one watch session of builds: collects, resolves, seals and emits each module, then
 * checks all outputs for leaks. A bundler's file calls these methods and contains its hooks only.
 */
export class BuildSession {
  readonly include: RegExp[]
  readonly exclude: RegExp[]
  readonly modules = new ModuleRegistry()
  readonly outputs: Outputs
  readonly environment: EntryEnvironment
  /**
   * Sessions of all instances of the plugin in one build. A bundler may ask any of them for a module
   * that another one's marks import.
   */
  peers: BuildSession[] = []
  readonly #options: OptionsResolved
  readonly #timings = createTimings()
  readonly #marks: MarkTransformer
  /** Sources as our maps show them. */
  readonly #redacted = new Set<string>()
  readonly #literals = new MaskedLiterals()
  readonly #kept = new Map<string, string>()
  #root: string
  #format: 'esm' | 'cjs' = 'esm'
  /** The first failure. Some bundlers write their outputs although a module failed. */
  #failure: KmsBuildError | undefined

  /** @throws KmsBuildError OPTIONS_INVALID. */
  constructor(userOptions?: Options) {
    const options = resolveOptions(userOptions)
    const manifest = options.manifest === undefined ? undefined : createManifest(options.manifest)
    const context = { options, modules: this.modules, manifest, timings: this.#timings }
    this.#options = options
    this.#root = options.root
    this.#marks = new MarkTransformer(context)
    this.environment = new EntryEnvironment(options, this.#marks)
    this.outputs = new Outputs({
      ...context,
      fromRoot: this.fromRoot,
      failure: () => this.#failure,
    })
    this.include = options.include
    this.exclude = options.exclude
  }

  /** Sets the folder that places are relative to, so that messages and bundles are the same on every machine. */
  setRoot(folder: string): void {
    this.#root = folder
    this.outputs.setRoot(folder)
  }

  /** Returns the folder that places are relative to. */
  get root(): string {
    return this.#root
  }

  /** Returns a path as messages and bundles show it. */
  readonly fromRoot = (path: string): string => relative(this.#root, path).split(sep).join('/')

  /** Sets the format of the outputs, for bundlers that report it apart from the modules. */
  setFormat(format: 'esm' | 'cjs'): void {
    this.#format = format
  }

  /** Reads and checks the secrets file, before any source is read. Called again for each rebuild. */
  async start(): Promise<void> {
    this.#failure = undefined
    await this.#marks.reload()
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
  transform(code: string, id: string, host: ModuleHost): Promise<EmittedModule | null> {
    return this.#remembering(this.#transform(code, id, host))
  }

  /**
   * Returns the code of the module that the marker resolves to for a module that is not rewritten.
   *
   * @param marker the name that is imported.
   * @param id the importer's path, perhaps with a query.
   * @param compiled the importer's code if the bundler provides it. Otherwise its source file is read.
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
    const path = pathOf(id)
    try {
      const collected = collect(code, this.fromRoot(path))
      this.modules.setCommented(path, collected?.commented, this.#options)
      return this.#literals.remember(path, collected?.marks) || collected?.commented !== undefined
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
    this.modules.forget(id)
    this.modules.setCommented(pathOf(id))
    // A dev server starts once.
    if (resolvePath(id) === this.#options.secretsFile.path) this.#marks.forgetSecretsFile()
  }

  /** Returns whether a map of ours shows this source, which is redacted then. */
  readonly isRedacted = (source: string): boolean => this.#redacted.has(source)

  /** Returns the warnings to print after a successful build. */
  warnings(): Warning[] {
    return warnings(this.modules, this.#options, this.#marks.secretsFile)
  }

  /** Returns the error for a module that imports the marker and did not pass through `transform`. */
  untransformedImport(importer?: string): KmsBuildError {
    return (this.#failure ??= unseenModule(importer, this.fromRoot))
  }

  /** Remembers the first failure, so that the build fails at its end if the bundler continues. */
  #remembering<T>(work: Promise<T>): Promise<T> {
    return work.catch((error: unknown) => {
      if (error instanceof KmsBuildError) this.#failure ??= error
      throw error
    })
  }

  async #transform(code: string, id: string, host: ModuleHost): Promise<EmittedModule | null> {
    const path = pathOf(id)
    // The registry keeps the module until it is replaced: another build may be checked meanwhile.
    const collected = await this.#timings.timed('collect', () => collect(code, this.fromRoot(path)))
    if (!host.isCompiled) this.modules.setCommented(path, collected?.commented, this.#options)
    if (!collected) {
      this.modules.forget(id)
      return null
    }
    if (host.isCompiled)
      collected.marks = placeMarksInSource(collected.marks, path, this.fromRoot(path))
    const calls = collected.imports.length ? await this.calls(id, collected.marks, host) : []
    const sync = syncFormOf(host.target, this.#format)
    const emitted = await this.#timings.timed('emit', () =>
      emit(code, path, collected, calls, { ...host, sync }),
    )
    this.#redacted.add(emitted.shown)
    return emitted
  }

  async #serve(marker: string, id: string, host: ModuleHost, compiled?: string): Promise<string> {
    const path = pathOf(id)
    const file = this.fromRoot(path)
    const isMasked = (argument: string) => this.#literals.has(argument, path)
    const module = { path, file, compiled, command: host.target.command, isMasked }
    const marks = await this.#timings.timed('collect', () => collectServed(module))
    if (!marks) throw this.untransformedImport(id)
    host.watch(path)
    const calls = await this.calls(id, marks, host)
    const form = syncFormOf(host.target, this.#format)
    return tableModule(file, marks, calls, MARKERS.get(marker)!, { ...host, form })
  }

  /** Returns the calls that the marks of a module become, for its target. */
  calls(id: string, collected: Mark[], host: ModuleHost): Promise<ShimCall[]> {
    const path = pathOf(id)
    this.outputs.addFolder(dirname(path))
    const marks = collected.map((mark) => this.#literals.unmask(mark, path))
    return this.#marks.calls({ id, path, marks }, host)
  }

  async #virtual(name: string, watch: Watch): Promise<string> {
    const sessions = [...new Set([this, ...this.peers])]
    const kept = sessions.map((session) => session.keptModule(name)).find((code) => code)
    if (kept) return kept
    return moduleCode(name, async (fingerprint) => {
      watch(this.#options.secretsFile.path)
      for (const session of sessions) {
        const found = await session.pairOptions(fingerprint)
        if (found) return found
      }
      return undefined
    })
  }

  // Called on sessions of other copies of this package too, which have no private field of this class.

  /** Returns the code of a module that `keepModule` kept. */
  keptModule(name: string): string | undefined {
    return this.#kept.get(name)
  }

  /** Returns a data key pair that this session seals to, and how its shim behaves. */
  pairOptions(fingerprint: string): Promise<PairOptions | undefined> {
    return this.#marks.pairOptions(fingerprint)
  }
}
