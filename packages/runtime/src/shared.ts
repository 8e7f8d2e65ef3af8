import type { Agent } from 'node:http'
import type { ImportedKey } from './open.js'
import type { Credentials } from './sign.js'

interface Shared {
  /** The provider that was passed to `configure`. */
  credentials?: ((signal: AbortSignal) => Promise<Credentials>) | undefined
  /** The agent that was passed to `configure`. */
  agent?: Agent | undefined
  /**
   * The unwrap of each data key pair, by its context and blobs. Earlier versions wrote the blobs first, and
   * kept functions of another form. Functions only: a promise shows its value.
   */
  [blobs: `[${string}]`]: (() => Promise<ImportedKey>) | undefined
  /** The imported key of the same pair, once secrets that are read synchronously have unwrapped it. */
  [blobs: `[${string}]1`]: ImportedKey | undefined
}

/** Returns the state that all copies of the shim in one thread share. */
export const shared = (): Shared =>
  ((globalThis as { [key: symbol]: Shared | undefined })[Symbol.for('unplugin-kms')] ??= {})
