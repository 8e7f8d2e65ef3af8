import { existsSync, readFileSync } from 'node:fs'
import { resolve as resolvePath } from 'node:path'
import type { KmsBuildError } from '../errors.js'
import type { Options, OptionsResolved } from '../options/types.js'
import { BuildCommand } from './leak-check/build-command.js'
import { checkClientBundle, inClient, userChain } from './leak-check/client-bundle.js'
import type { Asset } from './leak-check/examine.js'
import { changedSince, stateOf, type FolderState } from './leak-check/folder-state.js'
import { checkOutputs } from './leak-check/leak-check.js'
import { CheckedOutputs } from './leak-check/rebuild.js'
import type { Graph } from './leak-check/origins.js'
import type { Seen } from './leak-check/parts.js'
import { bytesOf } from './leak-check/views.js'
import type { createManifest } from './manifest.js'
import type { ModuleRegistry } from './module-registry.js'
import { secretsOfProject } from './project-sources.js'
import type { Timings } from './timings.js'

/** What the outputs of a session are checked with. */
export interface OutputsContext {
  options: OptionsResolved
  modules: ModuleRegistry
  manifest: ReturnType<typeof createManifest> | undefined
  timings: Timings
  /** Returns a path as messages show it. */
  fromRoot: (path: string) => string
  /** Returns the first failure of a module. Some bundlers write their outputs all the same. */
  failure: () => KmsBuildError | undefined
}

/** The outputs of a session: checked before they are written, then remembered and listed. */
export class Outputs {
  readonly #context: OutputsContext
  readonly #command: BuildCommand
  /** Plaintexts that the outputs of each build were searched for. */
  readonly #searched = new Map<unknown, Seen[]>()
  /** Folders of outputs as they were before these were written. */
  readonly #folders = new Map<string, FolderState>()
  /** The outputs of each build that were checked last. */
  readonly #checked = new Map<unknown, CheckedOutputs>()
  /** What to do about a mark in a browser bundle. */
  #clientAdvice: string | undefined

  constructor(context: OutputsContext) {
    const { options, modules } = context
    this.#context = context
    this.#command = new BuildCommand(options.root, () => modules.plaintexts)
    if (options.leakCheck.scope === 'build') this.leave()
  }

  setRoot(folder: string): void {
    this.#command.setRoot(folder)
  }

  /** Adds a folder of modules with marks, or of the outputs that are checked next. */
  addFolder(folder: string): void {
    this.#command.addFolder(folder)
  }

  /** Keeps a dev server, which writes no outputs, apart from the builds of the process. */
  leave(): void {
    this.#command.leave()
  }

  /** Sets the last sentence of CLIENT_BUNDLE: what to do next, in the terms of the user's framework. */
  setClientAdvice(advice: string | undefined): void {
    this.#clientAdvice = advice
  }

  /**
   * Searches the outputs for the secrets of a project's source files too: for a browser's build in a
   * command of its own, which does not see the server's modules.
   *
   * @param folder in the project.
   * @param includes returns whether a module may have marks.
   * @param env variables to read besides those of the option `env`.
   */
  async addProjectSecrets(
    folder: string,
    includes: (path: string) => boolean,
    env: Options['env'] = {},
  ): Promise<void> {
    const { options, modules, fromRoot } = this.#context
    if (options.leakCheck.scope === 'build') return
    modules.setProject(await secretsOfProject(folder, includes, fromRoot, [options.env, env]))
  }

  /**
   * Checks all outputs before any is written.
   *
   * @param build identifies the build, as in `record`.
   * @throws KmsBuildError LEAK, MARK_UNTRANSFORMED, SHIM_EXTERNAL, CLIENT_BUNDLE, or the first
   *   failure of a module.
   */
  async check(assets: Asset[], graph: Graph = { inputs: [] }, build?: unknown): Promise<void> {
    const { modules, timings, fromRoot, failure } = this.#context
    const failed = failure()
    if (failed) throw failed
    checkClientBundle(assets, modules.clientMarks, graph, fromRoot, this.#clientAdvice)
    await timings.timed('leak check', () =>
      this.#checkForLeaks(assets, graph, build, this.#checked.get(build)),
    )
    this.#checked.set(build, new CheckedOutputs(assets, this.#searched.get(build)!))
    timings.print()
  }

  /**
   * Checks a module that a dev server sends to a browser, after all transforms: frameworks remove
   * server code from it.
   *
   * @throws KmsBuildError CLIENT_BUNDLE if a mark is left in it.
   */
  checkClientModule(code: string, importersOf?: Graph['importersOf']): void {
    const { modules, fromRoot } = this.#context
    const left = modules.clientMarks.find(({ sentinel }) => code.includes(sentinel))
    if (!left) return
    throw inClient(left.mark, userChain(left.id, importersOf, fromRoot), this.#clientAdvice)
  }

  /** Checks files that are copied next to the outputs, whether or not a module failed. */
  checkCopied(assets: Asset[]): Promise<void> {
    return this.#checkForLeaks(assets, { inputs: [] })
  }

  /** Remembers files that the bundler copies, to search them for plaintexts that become known later. */
  rememberCopied(files: { path: string; source: string }[], build: unknown): void {
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
    try {
      // Another build of the command may have found a plaintext since the check.
      await this.#checkForLeaks([], { inputs: [] })
    } catch (error) {
      // What is not written now never will be.
      const paths = remembered.map(({ path }) => path)
      this.#command.forget(paths.filter((path) => !existsSync(path)))
      throw error
    }
    this.#command.finish()
    await this.#context.manifest?.add(folder, outputs, build)
  }

  /** Remembers what is in a folder that outputs are about to be written to. */
  async watchFolder(folder: string): Promise<void> {
    if (this.#command.plaintexts.length) this.#folders.set(folder, await stateOf(folder))
  }

  /**
   * Checks the files that were written to a watched folder and are not the checked outputs: other
   * plugins may change these, or write others, after the last hook that could prevent it.
   *
   * @throws KmsBuildError LEAK, which lists the files.
   */
  async checkFolder(folder: string): Promise<void> {
    const before = this.#folders.get(folder)
    if (!before) return
    const now = await stateOf(folder)
    this.#folders.set(folder, now)
    const changed = changedSince(before, now).filter((path) => !this.#isOutput(path))
    const late = { build: `${folder} afterwards`, content: undefined, source: undefined }
    this.#command.remember(
      changed.map((path) => ({ path, ...late })),
      late.build,
      [],
    )
    await this.#checkForLeaks([], { inputs: [] })
  }

  /** Whether a file is an output as it was checked. */
  #isOutput(path: string): boolean {
    const content = this.#command.outputs.get(path)?.content
    if (content === undefined) return false
    const bytes = typeof content === 'string' ? Buffer.from(content) : bytesOf(content)
    return bytes.equals(readFileSync(path))
  }

  /** Writes the manifest, after the outputs. @throws KmsBuildError FILE_UNWRITABLE. */
  async writeManifest(): Promise<void> {
    const { manifest, modules, options } = this.#context
    await manifest?.write(modules.plaintexts, options.leakCheck)
  }

  #checkForLeaks(
    assets: Asset[],
    graph: Graph,
    build?: unknown,
    previous?: CheckedOutputs,
  ): Promise<void> {
    const { plaintexts } = this.#command
    this.#searched.set(build, plaintexts)
    const { options, fromRoot } = this.#context
    const unsearched = (seen: Seen[]) => this.#command.unsearched(seen, build)
    const { leakCheck } = options
    return checkOutputs(assets, plaintexts, leakCheck, graph, fromRoot, unsearched, previous)
  }
}
