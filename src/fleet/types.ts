import type { Suite } from '../crypto/suites.js'
import type { AwsOptions } from '../options/types.js'

export interface FleetOptions {
  /** AWS regions. Default: the region of the configuration. */
  regions?: string[]
  /** Names of functions, with `*` for any characters. Default: all. */
  functions?: string[]
  /** Tags that a function must have. */
  tags?: Record<string, string>
  /** Default: `kms-secrets.json`. */
  secretsFiles?: string[]
  /** A folder of zip files to read instead of deployed functions. */
  zipFolder?: string
  /** How far back to search the git history of the secrets files, for dates: `6 months ago`. */
  since?: string
  aws?: AwsOptions
  /** Called after each function, with the number of finished and of known functions. */
  onProgress?: (done: number, known: number) => void
}

/**
 * State of a secret in a deployed function:
 * - `current`: the secrets file has the same token;
 * - `stale`: the file has another value;
 * - `earlier pair`: the value may be the same, but it is sealed to an earlier pair;
 * - `missing`: the file has no entry of this name;
 * - `foreign`: it is sealed to a pair that no given file has.
 */
export type SecretState = 'current' | 'stale' | 'earlier pair' | 'missing' | 'foreign'

export interface FleetSecret {
  /** The entry's name, or the place of a literal; null if the bundle contains neither. */
  name: string | null
  state: SecretState
  /** Fingerprint of the pair; null in mode direct. */
  fingerprint: string | null
  /** Present if it is not P-256. */
  suite?: Suite
  /** Path of the secrets file that has the pair. */
  secretsFile?: string
  /** When the deployed token was replaced, by the git history (ISO 8601). */
  replacedAt?: string
}

/** One version of a function. */
export interface FleetFunction {
  /** ARN, or the path of a zip file. */
  id: string
  name: string
  region?: string
  /** `$LATEST`, or a published version that an alias points to. */
  version: string
  aliases: string[]
  /** ISO 8601. */
  lastModified?: string
  secrets: FleetSecret[]
  /** The function's runtime, such as `nodejs22.x`, if it cannot open its ML-KEM secrets. */
  unsupportedRuntime?: string
  /** Why the code, or a part of it, was not read. */
  notRead: string[]
}

export interface Fleet {
  /** Functions that contain secrets or were not read, sorted by id. */
  functions: FleetFunction[]
  /** Number of functions that were examined. */
  examined: number
  /** Ids of functions with a secret that is not current: deploy them again. */
  redeploy: string[]
  /** What could not be listed, and why. */
  notes: string[]
}
