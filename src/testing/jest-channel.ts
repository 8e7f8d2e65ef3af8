import type { Source } from '../pipeline/collect/mark.js'
import type { StaticValue } from '../syntax/static-value.js'
import type { Call } from './marker-of.js'

/**
 * The name of the diagnostics channel on which modules in Jest's environments, which share nothing
 * else with the process, ask for the calls of their marks.
 */
export const CHANNEL = 'unplugin-kms.jest'

export interface JestRequest {
  /** Identifies the Jest project, whose options apply. */
  project: string
  /** The module's path, relative to the project's root. */
  file: string
  isSync: boolean
  source: Source
  values: StaticValue[]
  /** What the subscriber answers. */
  call?: Call
  error?: unknown
}
