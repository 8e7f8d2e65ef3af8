import { awsEnv } from './credentials.js'
import { type Failure, UNREACHABLE } from './error.js'
import { once } from './once.js'
import { requestDecrypt, type Fields, type Wrapped } from './request.js'
import { shared } from './shared.js'

export interface Settings {
  /** When an `envelope` starts: after the module has loaded, during INIT, or when first awaited. Default `load`. */
  start?: 'load' | 'first-use'
  /**
   * How long one attempt may take, including the credentials. Default 1000: KMS answers within tens
   * of milliseconds, and even a function of 128 MB completes its TLS handshake by then.
   */
  attemptTimeoutMs?: number
  /**
   * How long all attempts may take, counted from the first await and again after a freeze. No attempt
   * starts that could outlast it. Default 2500: with Lambda's own default timeout of 3 s, the
   * function can still report the error. The queue of `direct` secrets comes on top.
   */
  deadlineMs?: number
  /**
   * How many attempts are made, in all regions together. Default 5: the pauses between them, up to
   * 80, 160, 240 … ms and each shortened at random, add up to 0.4 s on average.
   */
  maxAttempts?: number
  /** Hosts besides loopback that may be reached by plain http, such as an emulator in another container. */
  insecureHosts?: string[]
}

/** Decrypts a blob. `awaitedAt` is the time, or 0 if nobody awaits it yet. */
export type Unwrap<T> = (awaitedAt?: number) => Promise<T>

/**
 * Returns a function that decrypts one blob, once for all callers. Tries the wrapped form of the own
 * region first, then the others in turn, until one opens. Keeps what `use` returns for the plaintext;
 * never keeps a failure. `known` is the name of the shared result of secrets that are read synchronously.
 */
export function decrypting<T>(
  wrapped: Wrapped[],
  fields: Fields,
  { attemptTimeoutMs = 1000, deadlineMs = 2500, maxAttempts = 5, insecureHosts }: Settings,
  use: (plaintext: Buffer) => T,
  known?: `[${string}]1`,
): Unwrap<T> {
  const timeout = Math.min(attemptTimeoutMs, deadlineMs)
  // When it was first awaited, else 0, which leaves an attempt that started at load no time for a
  // second one: if it fails before anyone awaits, the first await starts again.
  let awaited = 0

  async function run(freezes = 3): Promise<T> {
    // Not before the modules that import this one have run: they may call `configure`.
    // oxlint-disable-next-line typescript/await-thenable, unicorn/no-unnecessary-await
    await 0
    const { credentials, [known!]: found } = shared()
    if (found) return found as T
    awaited &&= Date.now()
    const whys = new Set<string>()
    const region = awsEnv('REGION')!
    const queue = wrapped.toSorted(([a], [b]) => +b.includes(region) - +a.includes(region))
    for (let tries = 1; ; tries++) {
      const target = queue.shift()!
      const begun = Date.now()
      const signal = AbortSignal.timeout(timeout)
      try {
        return use(await requestDecrypt(target, fields, signal, insecureHosts))
      } catch (error: any) {
        const now = Date.now()
        const reason = signal.reason ?? error
        // The error itself is dropped: if an answer is not HTTP, node attaches its bytes, which may
        // contain the plaintext. An AggregateError, of a host with several addresses, has no message.
        const failure: Failure = error.why
          ? error
          : { code: UNREACHABLE, why: reason.message || reason.errors || reason }
        const mayPass = failure.code === UNREACHABLE
        if (
          // `configure` may be called after the start at load.
          credentials !== shared().credentials ||
          // Later than any timer: the process was frozen or blocked, and KMS had no chance to answer.
          (mayPass && now - begun > timeout + 600 && freezes-- > 0)
        ) {
          return run(freezes)
        }
        whys.add(`${target[0]} with ${JSON.stringify(fields)}: ${failure.why}`)
        if (mayPass) queue.push(target)
        const pause = Math.random() * 80 * tries
        if (!queue[0] || now + pause > awaited + deadlineMs - timeout || tries >= maxAttempts) {
          awaited = 0
          throw { ...failure, why: [...whys].join('; '), keyArn: target[0] } satisfies Failure
        }
        await new Promise((resolve) => setTimeout(resolve, pause))
      }
    }
  }
  const decryptOnce = once(run)
  return (awaitedAt = Date.now()) => {
    awaited ||= awaitedAt
    return decryptOnce()
  }
}
