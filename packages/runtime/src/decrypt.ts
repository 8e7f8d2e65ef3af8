import type { Failure } from './error.js'
import { once } from './once.js'
import { regionOf, requestDecrypt, type Wrapped } from './request.js'

export interface Settings {
  /** When an `envelope` begins: as the module loads, beside the rest of INIT, or when first awaited. Default `load`. */
  start?: 'load' | 'first-use'
  /**
   * How long one attempt may take, credentials included. Default 1000: KMS answers within tens of
   * milliseconds, and even a function of 128 MB has its TLS handshake behind it by then.
   */
  attemptTimeoutMs?: number
  /**
   * How long all attempts may take, counted from the first await and anew after a freeze. No attempt
   * begins that could outlast it. Default 2500: with Lambda's own default timeout of 3 s, the
   * function still has its say. A `direct` secret's wait for its turn comes on top.
   */
  deadlineMs?: number
  /**
   * How many attempts there are, in all regions together. Default 5: the pauses between them, up to
   * 50 ms, doubled each time and each cut at random, come to 0.4 s on average.
   */
  maxAttempts?: number
  /** Hosts besides loopback to which plain http may go, such as an emulator's in another container. */
  insecureHosts?: string[]
}

/**
 * Decrypts one blob for however many ask: of its wrapped forms that of the own region first, then
 * the others in turn, until one opens. `use` makes of the plaintext what is kept; a failure never is.
 */
export function decrypting<T = Buffer>(
  wrapped: Wrapped[],
  context: Record<string, string>,
  { start, attemptTimeoutMs = 1000, deadlineMs = 2500, maxAttempts = 5, insecureHosts }: Settings,
  use: (plaintext: Buffer, keyArn: string) => T = (plaintext) => plaintext as T,
): () => Promise<T> {
  const own = ([keyArn]: Wrapped) => +(regionOf(keyArn) === process.env.AWS_REGION)
  const timeout = Math.min(attemptTimeoutMs, deadlineMs)
  // When it was first awaited; 0 until then, which leaves an attempt begun at load no time for a
  // second: failed before anyone awaits, it might as well not have been.
  let awaited = 0

  async function run(): Promise<T> {
    awaited &&= Date.now()
    const queue = wrapped.toSorted((a, b) => own(b) - own(a))
    const whys = new Set<string>()
    for (let tries = 1; ; tries++) {
      const target = queue.shift()!
      const begun = Date.now()
      try {
        const signal = AbortSignal.timeout(timeout)
        return use(await requestDecrypt(target, context, signal, insecureHosts), target[0])
      } catch (failure: any) {
        const now = Date.now()
        // Later than any timer would be: the process was frozen, and KMS had no chance.
        if (now - begun > Math.min(2 * timeout, deadlineMs + 250)) return run()
        const pause = Math.random() * Math.min(1000, 25 * 2 ** tries)
        whys.add(failure.why)
        if (failure.code === 'KMS_UNREACHABLE') queue.push(target)
        if (!queue[0] || now + pause > awaited + deadlineMs - timeout || tries >= maxAttempts) {
          awaited = 0
          throw { ...failure, why: [...whys].join('; ') } satisfies Failure
        }
        await new Promise((resolve) => setTimeout(resolve, pause))
      }
    }
  }
  const shared = once(run)
  if (start === 'load') shared().catch(() => {})
  return () => {
    awaited ||= Date.now()
    return shared()
  }
}
