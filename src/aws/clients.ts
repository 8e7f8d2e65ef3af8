import type { AwsCredentialIdentity, AwsCredentialIdentityProvider } from '@aws-sdk/types'
import type { AwsOptions } from '../options/types.js'
import { askMfaCode } from './mfa.js'

/** What every AWS client of a build or command is made with. */
export async function clientConfig(aws: AwsOptions, region = aws.region) {
  const { endpoint, fips, dualstack } = aws
  return {
    ...(region && { region }),
    ...(endpoint && { endpoint }),
    ...(fips !== undefined && { useFipsEndpoint: fips }),
    ...(dualstack !== undefined && { useDualstackEndpoint: dualstack }),
    credentials: await credentialsOf(aws),
  }
}

export type ClientConfig = Awaited<ReturnType<typeof clientConfig>>

/** Clients of one service, one a region, each made when it is first asked for. */
export function clientsOf<C>(aws: AwsOptions, make: (config: ClientConfig) => Promise<C>) {
  const made = new Map<string | undefined, Promise<C>>()
  return (region = aws.region): Promise<C> => {
    let client = made.get(region)
    if (!client) made.set(region, (client = clientConfig(aws, region).then(make)))
    return client
  }
}

/** For sources that throttle: at the pace that the service keeps up with. */
export const PATIENT = { retryMode: 'adaptive', maxAttempts: 7 }

const providers = new WeakMap<AwsOptions, AwsCredentialIdentityProvider>()

/** One provider for all clients: a role is assumed, and an MFA code asked for, once. */
async function credentialsOf(aws: AwsOptions) {
  const known = providers.get(aws)
  if (known) return known
  const { fromNodeProviderChain, fromTemporaryCredentials } =
    await import('@aws-sdk/credential-providers')
  const { credentials, profile, roleArn, endpoint, region } = aws
  const own =
    credentials ??
    fromNodeProviderChain({ mfaCodeProvider: askMfaCode, ...(profile && { profile }) })
  const provider = roleArn
    ? fromTemporaryCredentials({
        masterCredentials: own,
        params: { RoleArn: roleArn },
        clientConfig: { ...(endpoint && { endpoint }), ...(region && { region }) },
      })
    : own
  const kept = typeof provider === 'function' ? keptUntilExpiry(provider) : async () => provider
  // Another client may have come first while the libraries loaded.
  if (!providers.has(aws)) providers.set(aws, kept)
  return providers.get(aws)!
}

const EARLY_MS = 5 * 60_000

/** Asks the provider once, and again shortly before what it gave expires, or after a failure. */
function keptUntilExpiry(provider: AwsCredentialIdentityProvider): AwsCredentialIdentityProvider {
  let kept: Promise<AwsCredentialIdentity> | undefined
  let renewAt = Infinity
  return (context) => {
    if (Date.now() >= renewAt) kept = undefined
    kept ??= provider(context).then(
      (identity) => {
        renewAt = identity.expiration ? identity.expiration.getTime() - EARLY_MS : Infinity
        return identity
      },
      (error: unknown) => {
        kept = undefined
        throw credentialsError(error as Error & { $fault?: string })
      },
    )
    return kept
  }
}

/** What STS refuses would look like a refusal of the service that was to be called. */
const credentialsError = (error: Error & { $fault?: string }) =>
  error.$fault
    ? Object.assign(new Error(`${error.name}: ${error.message}`, { cause: error }), {
        name: 'CredentialsProviderError',
      })
    : error
