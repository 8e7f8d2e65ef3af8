import type { Open } from './open.js'
import type { Credentials } from './sign.js'

interface Shared {
  /** What `configure` was given. */
  credentials?: (signal: AbortSignal) => Promise<Credentials>
  /** Each data key pair's unwrap, by its wrapped keys and context. A function, as a promise shows its value. */
  [unwrap: `[${string}`]: () => Promise<Open>
}

/** What all copies of the shim in one thread hold in common. */
export const shared = (): Shared =>
  ((globalThis as { [key: symbol]: Shared | undefined })[Symbol.for('unplugin-kms')] ??= {})
