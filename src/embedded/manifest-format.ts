import type { SecretFacts } from './facts.js'

/** What a build embedded, as the option `manifest` has it written: never a value, a time or a machine's path. */
export interface Manifest {
  version: 1
  /** Sorted by name; chunks are relative to the output folder. */
  secrets: (SecretFacts & { name: string })[]
  /** Names of secrets whose plaintext the proof did not look for in the output. */
  notSearchedFor: { excepted: string[]; tooShort: string[] }
}
