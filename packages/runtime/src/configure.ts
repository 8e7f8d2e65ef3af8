import type { Agent } from 'node:http'
import type { Failure } from './error.js'
import { shared } from './shared.js'
import type { Credentials } from './sign.js'

/** AWS credentials as the AWS SDK's providers return them. */
export interface CredentialIdentity {
  accessKeyId: string
  secretAccessKey: string
  sessionToken?: string | undefined
}

/** A credential provider, such as those of the AWS SDK. `forceRefresh` is set after AWS rejected its credentials. */
export type CredentialProvider = (options?: {
  forceRefresh?: boolean
}) => Promise<CredentialIdentity>

export interface Configuration {
  /**
   * Replaces the credentials of the environment and of the container endpoint; any credential
   * provider of the AWS SDK works. It is called before each request, so it should cache, as the SDK's
   * providers do.
   */
  credentials?: CredentialProvider | undefined
  /** Replaces node's global agent for https, for example by the agent of a proxy. */
  agent?: Agent | undefined
}

/**
 * Configures every copy of the shim in this thread. Call it before the first secret is awaited, for
 * example in the module that contains the secrets. Options that are absent stay as they are.
 *
 * @param configuration see {@link Configuration}
 * @example
 * ```ts
 * import { fromNodeProviderChain } from '@aws-sdk/credential-providers'
 * import { configure } from 'unplugin-kms/runtime'
 *
 * configure({ credentials: fromNodeProviderChain() })
 * ```
 */
export function configure(configuration: Configuration): void {
  const { credentials, agent } = configuration
  if ('agent' in configuration) shared().agent = agent
  if ('credentials' in configuration) shared().credentials = credentials && adapt(credentials)
}

/** Converts a provider to the form that the shim calls. */
function adapt(provider: CredentialProvider): (signal: AbortSignal) => Promise<Credentials> {
  let last: Credentials | undefined
  return async (signal) => {
    const forceRefresh = last?.Expiration === ''
    const identity = await settle(signal, () => provider({ forceRefresh })).catch((cause: any) => {
      // Our own providers know when a retry does not help.
      if (cause?.code === 'CREDENTIALS_MISSING') throw cause
      // A provider may throw anything, and an AggregateError has no message.
      const reason = cause?.message || cause?.errors || cause
      throw new Error(`configured credentials: ${reason}`, { cause })
    })
    const { accessKeyId, secretAccessKey, sessionToken } =
      (identity as typeof identity | undefined) ?? {}
    if (!accessKeyId || !secretAccessKey) {
      const why = 'the configured function returned no credentials'
      throw { code: 'CREDENTIALS_MISSING', why } satisfies Failure
    }
    if (last?.AccessKeyId === accessKeyId) return last
    return (last = {
      AccessKeyId: accessKeyId,
      SecretAccessKey: secretAccessKey,
      Token: sessionToken,
      // The provider decides when they expire. Emptied when AWS rejects them.
      Expiration: 'renewable',
    })
  }
}

/**
 * Calls `begin` and returns its result, or throws the signal's reason once it aborts. The timer of a
 * signal does not keep the process alive, so this does.
 */
async function settle<T>(signal: AbortSignal, begin: () => Promise<T>): Promise<T> {
  const alive = setInterval(() => {}, 60_000)
  let abort: () => void
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason)
    signal.addEventListener('abort', abort)
  })
  try {
    return await Promise.race([begin(), aborted])
  } finally {
    clearInterval(alive)
    signal.removeEventListener('abort', abort!)
  }
}
