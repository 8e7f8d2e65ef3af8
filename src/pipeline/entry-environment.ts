import { Buffer } from 'node:buffer'
import { join, resolve } from 'node:path'
import { KmsBuildError } from '../errors.js'
import type { OptionsResolved } from '../options/types.js'
import { variablesIn, type Variable } from './collect/variables.js'
import { entriesWithCode, loadParser, type OutputTexts } from './emit/entry.js'
import { entryCode, type EntryCode } from './emit/process-env.js'
import { devValue } from './resolve/dev-values.js'
import type { OutputTarget } from './target.js'
import type { MarkTransformer } from './transform-marks.js'

/** Names the option among the modules of a session. */
const ID = 'option processEnv'

/** Finished outputs, whose entries are to set the variables. */
export interface EntryOutputs {
  /** All outputs of the build. */
  outputs: OutputTexts
  /** Names of the outputs that are loaded first. */
  entries: string[]
  target: OutputTarget
}

/** The variables of the option `processEnv`, which the entries of a bundle set. */
export class EntryEnvironment {
  readonly #options: OptionsResolved
  readonly #marks: MarkTransformer
  #skipped = ''

  constructor(options: OptionsResolved, marks: MarkTransformer) {
    this.#options = options
    this.#marks = marks
  }

  /**
   * Makes ES modules set no variable where this one is set: in the process of a framework's build,
   * which loads the server to prerender pages.
   */
  skipWhere(variable: string): void {
    this.#skipped = variable
  }

  /** Returns whether the option `processEnv` is set. */
  get isUsed(): boolean {
    return this.#options.processEnv !== undefined
  }

  /** Files that the variables come from: a change of one makes a bundle stale. */
  get files(): string[] {
    const { processEnv, secretsFile, root } = this.#options
    if (processEnv === undefined) return []
    const sources = processEnv === true ? [] : Object.values(processEnv)
    return [
      secretsFile.path,
      ...sources.flatMap((source) => ('file' in source ? [resolve(root, source.file)] : [])),
    ]
  }

  /**
   * Seals the variables, and adds code that sets them to the entries.
   *
   * @returns the outputs that are new or different.
   * @throws KmsBuildError CLIENT_BUNDLE, ENTRY_UNSUITABLE, and as for a mark.
   */
  async addTo({ outputs, entries, target }: EntryOutputs): Promise<Map<string, string>> {
    const add = await this.prepare(target)
    return add(outputs, entries)
  }

  /**
   * Seals the variables.
   *
   * @returns a function that does the rest of `addTo`.
   * @throws KmsBuildError CLIENT_BUNDLE, and as for a mark.
   */
  async prepare(
    target: OutputTarget,
  ): Promise<(outputs: OutputTexts, entries: string[]) => Map<string, string>> {
    // A dev server sets the variables itself, and what it starts inherits them.
    if (!this.isUsed || target.command === 'serve') return () => new Map()
    if (target.platform === 'browser') throw inBrowser()
    const { esm, cjs } = await this.#code(target)
    const condition = this.#skipped && `if(!globalThis.process.env.${this.#skipped})`
    const code = { esm: `${condition}${esm}`, cjs }
    const parse = await loadParser()
    return (outputs, entries) => entriesWithCode(outputs, entries, target.format, code, parse)
  }

  /**
   * Sets the variables in this process, for a dev server that evaluates modules in it: to the option
   * `dev.values`, or else to the values that a bundle would unwrap.
   *
   * @throws KmsBuildError DEV_VALUE_MISSING, and as for a mark.
   * @throws KmsSecretError if the values cannot be unwrapped.
   */
  async setHere(): Promise<void> {
    if (!this.isUsed) return
    const { devValues, processEnvOptions } = this.#options
    if (!devValues) {
      const { esm } = await this.#code({ platform: 'node', command: 'serve', format: 'esm' })
      await import(`data:text/javascript,${encodeURIComponent(esm)}`)
      return
    }
    const values = await Promise.all(
      (await this.#variables()).map(async ({ name, mark }) => {
        const value = Buffer.from(await devValue(mark, devValues)).toString()
        return [name, Promise.resolve(value)] as const
      }),
    )
    const { processEnv } = await import('@unplugin-kms/runtime/process-env')
    await processEnv(Object.fromEntries(values), processEnvOptions)()
  }

  async #variables(): Promise<Variable[]> {
    return variablesIn(this.#options, await this.#marks.loadSecretsFile())
  }

  /** Returns the code that sets the variables. Their values are searched for in all outputs. */
  async #code(target: OutputTarget): Promise<EntryCode> {
    const { root, processEnvOptions, runtime } = this.#options
    const variables = await this.#variables()
    const marks = variables.map(({ mark }) => mark)
    const calls = await this.#marks.calls(
      { id: ID, path: join(root, ID), marks },
      { target, watch: () => {} },
    )
    const opened = variables.map(({ name }, index) => ({ name, call: calls[index]! }))
    const pairOf = (fingerprint: string) => this.#marks.pairOptions(fingerprint)
    return entryCode(opened, pairOf, processEnvOptions, runtime.start)
  }
}

/** Returns the error for the option `processEnv` in the build of a browser bundle. */
export const inBrowser = (): KmsBuildError =>
  new KmsBuildError(
    'CLIENT_BUNDLE',
    "option processEnv would go into a browser bundle, where no environment exists and everybody can read it. Build for Node (esbuild: platform 'node'; Vite: an SSR build; webpack: target 'node'), or remove the option from this build.",
  )
