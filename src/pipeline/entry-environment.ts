import { join } from 'node:path'
import { KmsBuildError } from '../errors.js'
import type { OptionsResolved } from '../options/types.js'
import { variablesIn } from './collect/variables.js'
import { entriesWithCode, type OutputTexts } from './emit/entry.js'
import { entryCode } from './emit/process-env.js'
import type { Target, Watch } from './target.js'
import type { MarkTransformer } from './transform-marks.js'

/** Names the option among the modules of a session. */
const ID = 'option processEnv'

/** Finished outputs, whose entries are to set the variables. */
export interface EntryOutputs {
  /** All outputs of the build. */
  outputs: OutputTexts
  /** Names of the outputs that are loaded first. */
  entries: string[]
  target: Required<Target>
  watch?: Watch
}

/** The variables of the option `processEnv`, which the entries of a bundle set. */
export class EntryEnvironment {
  readonly #options: OptionsResolved
  readonly #marks: MarkTransformer

  constructor(options: OptionsResolved, marks: MarkTransformer) {
    this.#options = options
    this.#marks = marks
  }

  /** Returns whether the option `processEnv` is set. */
  get isUsed(): boolean {
    return this.#options.processEnv !== undefined
  }

  /**
   * Seals the variables, and adds code that sets them to the entries.
   *
   * @returns the outputs that are new or different.
   * @throws KmsBuildError CLIENT_BUNDLE, ENTRY_UNSUITABLE, and as for a mark.
   */
  async addTo({ outputs, entries, target, watch }: EntryOutputs): Promise<Map<string, string>> {
    if (!this.isUsed || !entries.length) return new Map()
    if (target.platform === 'browser') throw inBrowser()
    const { root, processEnvOptions, runtime } = this.#options
    const variables = variablesIn(this.#options, await this.#marks.loadSecretsFile())
    const marks = variables.map(({ mark }) => mark)
    const openings = await this.#marks.openings(
      { id: ID, path: join(root, ID), marks },
      { target, watch: watch ?? (() => {}) },
    )
    const opened = variables.map(({ name }, index) => ({ name, opening: openings[index]! }))
    const pairOf = (fingerprint: string) => this.#marks.pairOptions(fingerprint)
    const code = await entryCode(opened, pairOf, processEnvOptions, runtime.start)
    return entriesWithCode(outputs, entries, target.format, code)
  }
}

/** Returns the error for the option `processEnv` in the build of a browser bundle. */
export const inBrowser = (): KmsBuildError =>
  new KmsBuildError(
    'CLIENT_BUNDLE',
    "option processEnv would go into a browser bundle, where no environment exists and everybody can read it. Build for Node (esbuild: platform 'node'; Vite: an SSR build; webpack: target 'node'), or remove the option from this build.",
  )
