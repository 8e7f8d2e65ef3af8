import type { KmsSecretError } from './error.js'
import { fail } from './error.js'
import { once } from './once.js'
import { requestDecrypt, type Wrapped } from './request.js'

export interface Settings {
  start?: 'load' | 'first-use'
  attemptTimeoutMs?: number
  deadlineMs?: number
  maxAttempts?: number
  insecureHosts?: string[]
}

export function decryptOnce<T>(
  wrapped: Wrapped[],
  context: Record<string, string>,
  { start, attemptTimeoutMs = 1000, deadlineMs = 2500, maxAttempts = 5, insecureHosts }: Settings,
  use: (plaintext: Buffer) => T,
): () => Promise<T> {
  const own = ([keyArn]: Wrapped) => +(keyArn.split(':')[3] === process.env.AWS_REGION)
  const targets = wrapped.toSorted((a, b) => own(b) - own(a))
  const attempt = (target: Wrapped, milliseconds: number) =>
    requestDecrypt(target, context, insecureHosts, AbortSignal.timeout(milliseconds))

  let early: Promise<Buffer> | undefined
  let goodUntil = 0
  if (start === 'load') {
    early = attempt(targets[0]!, attemptTimeoutMs)
    goodUntil = Date.now() + attemptTimeoutMs
    early.then(
      () => (goodUntil = Infinity),
      () => (goodUntil = 0),
    )
  }

  return once(async () => {
    const queue = [...targets]
    const errors: Record<string, KmsSecretError> = {}
    let left = deadlineMs
    for (let tries = 0; left > 0 && queue.length && tries < maxAttempts * targets.length; tries++) {
      const target = queue.shift()!
      if (errors[target[0]]) {
        const pause = Math.random() * Math.min(left, 1000, 50 * 2 ** tries)
        left -= pause
        await new Promise((resolve) => setTimeout(resolve, pause))
      }
      const limit = Math.min(left, attemptTimeoutMs)
      const begun = performance.now()
      const running = Date.now() < goodUntil && early
      goodUntil = 0
      try {
        return use(await (running || attempt(target, limit)))
      } catch (error: any) {
        errors[target[0]] = error
        if (error.code === 'KMS_UNREACHABLE') queue.push(target)
      }
      const elapsed = performance.now() - begun
      // Twice as late as the timer: the process was frozen, and KMS had no chance.
      if (elapsed < 2 * limit) left -= elapsed
      else tries--
    }
    const failed = Object.values(errors)
    return fail('KMS_UNREACHABLE', failed.map(({ reason }) => reason).join('; '), failed[0])
  })
}
