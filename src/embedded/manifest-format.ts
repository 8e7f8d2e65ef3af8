import type { SecretFacts } from './facts.js'

/** The file of the option `manifest`: what a build embedded, without values, times or machine paths. */
export interface Manifest {
  version: 1
  /** Sorted by name; chunks are relative to the output folder. */
  secrets: (SecretFacts & { name: string })[]
  /** Names of secrets whose plaintext the leak check did not search for. */
  notSearchedFor: { excepted: string[]; tooShort: string[] }
}
