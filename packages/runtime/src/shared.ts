import type { Open } from './open.js'
import type { Credentials } from './sign.js'

interface Shared {
  /** What `configure` was given. */
  credentials?: ((signal: AbortSignal) => Promise<Credentials>) | undefined
  /** Each data key pair's unwrap, by its blobs. Functions alone: a promise shows its value. */
  [blobs: `[${string}`]: (() => Promise<Open>) | undefined
}

/** What all copies of the shim in one thread hold in common. */
export const shared = (): Shared =>
  ((globalThis as { [key: symbol]: Shared | undefined })[Symbol.for('unplugin-kms')] ??= {})
