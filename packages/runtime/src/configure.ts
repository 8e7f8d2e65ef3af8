import type { Failure } from './error.js'
import { shared } from './shared.js'

export interface Configuration {
  /**
   * Where credentials come from instead of the environment and the container endpoint; any credential provider of
   * the AWS SDK will do. Asked before each request: it keeps and renews them itself, as the SDK's do.
   */
  credentials?:
    | (() => Promise<{
        accessKeyId: string
        secretAccessKey: string
        sessionToken?: string | undefined
      }>)
    | undefined
}

/** Settings for every copy of the shim in this thread, from `@unplugin-kms/runtime`. Call it before the bundle loads. */
export function configure({ credentials }: Configuration): void {
  shared().credentials =
    credentials &&
    (async (signal) => {
      const given = await before(signal, credentials).catch((cause: any) => {
        // A provider may throw anything, and nothing.
        throw new Error(`configured credentials: ${cause?.message ?? cause}`, { cause })
      })
      if (!(given as typeof given | undefined)?.accessKeyId || !given.secretAccessKey) {
        const why = 'the configured function gave no credentials'
        throw { code: 'CREDENTIALS_MISSING', why } satisfies Failure
      }
      const { accessKeyId, secretAccessKey, sessionToken } = given
      return { AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey, Token: sessionToken }
    })
}

/** What is promised, or the signal's reason once it aborts. A signal's timer does not keep the process alive; this does. */
async function before<T>(signal: AbortSignal, begin: () => Promise<T>): Promise<T> {
  const alive = setInterval(() => {}, 60_000)
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason))
  })
  try {
    return await Promise.race([begin(), aborted])
  } finally {
    clearInterval(alive)
  }
}
