import type { AwsCredentialIdentity, AwsCredentialIdentityProvider } from '@aws-sdk/types'
import type { AwsOptions } from '../options/types.js'
import { configurationError, contactOf, credentialsError } from './aws-error.js'
import { configurationOf, endpointVariant, type AwsConfiguration } from './configuration.js'
import { callTimeout, withDeadline } from './deadline.js'
import { askMfaCode } from './mfa.js'
import { requestHandlerOf } from './request-handler.js'
import { clientSts } from './sdk.js'

type Environment = Record<string, string | undefined>

const providers = new WeakMap<AwsOptions, AwsCredentialIdentityProvider>()

/** Returns one provider for all clients: a role is assumed, and an MFA code asked for, once. */
export function credentialsOf(aws: AwsOptions): AwsCredentialIdentityProvider {
  let provider = providers.get(aws)
  if (!provider) {
    let isAsking = false
    const mfaCode = (serial: string) => {
      isAsking = true
      return askMfaCode(serial).finally(() => (isAsking = false))
    }
    const load = () =>
      withDeadline(
        callTimeout(true),
        () => loadCredentials(aws, mfaCode),
        () => isAsking,
      )
    providers.set(aws, (provider = cachedUntilExpiry(load)))
  }
  return provider
}

const EARLY_MS = 5 * 60_000

/** Caches credentials until shortly before they expire. Failures are not cached. */
function cachedUntilExpiry(
  load: () => Promise<AwsCredentialIdentity>,
): AwsCredentialIdentityProvider {
  let cached: Promise<AwsCredentialIdentity> | undefined
  let renewAt = Infinity
  return () => {
    if (Date.now() >= renewAt) cached = undefined
    cached ??= load().then(
      (identity) => {
        renewAt = identity.expiration ? identity.expiration.getTime() - EARLY_MS : Infinity
        return identity
      },
      (error: unknown) => {
        cached = undefined
        throw toCredentialsError(error as Error & { $fault?: string })
      },
    )
    return cached
  }
}

const CREDENTIALS_ERROR = /^(CredentialsProvider|TokenProvider|AwsConfiguration)Error$/

/**
 * Converts an error of a provider to a credentials error, so that a refusal by STS or SSO does not look
 * like a refusal by the service that was called. Network errors stay as they are.
 */
function toCredentialsError(error: Error & { $fault?: string }): Error {
  const { name, message, $fault } = error
  if (name === 'AwsDeadlineError')
    return credentialsError('they were not loaded in time (UNPLUGIN_KMS_AWS_TIMEOUT_MS)', {
      cause: error,
    })
  if (CREDENTIALS_ERROR.test(name) || (!$fault && contactOf(error))) return error
  // V8's message quotes the invalid JSON, which may contain a credential.
  const what = name === 'SyntaxError' ? 'they are not valid JSON' : message
  return credentialsError($fault ? `${name}: ${message}` : what, { cause: error })
}

async function loadCredentials(
  aws: AwsOptions,
  mfaCode: (serial: string) => Promise<string>,
): Promise<AwsCredentialIdentity> {
  const { credentials, roleArn } = aws
  if (credentials && !roleArn)
    return typeof credentials === 'function' ? credentials() : credentials
  const configuration = await configurationOf(aws)
  const assumers = roleAssumers(aws, configuration)
  const own =
    typeof credentials === 'object'
      ? credentials
      : await (credentials?.() ?? fromConfiguration(aws, configuration, assumers, mfaCode))
  if (!roleArn) return own
  return assumers.roleAssumer(own, {
    RoleArn: roleArn,
    RoleSessionName: `unplugin-kms-${Date.now()}`,
  })
}

/** Returns the configuration of the SDK's own clients for STS and SSO. */
function nestedConfig(aws: AwsOptions, configuration: AwsConfiguration, service: string) {
  const { region, profileName } = configuration
  const endpoint = configuration.endpointOf(service)
  const requestHandler = requestHandlerOf(aws).forService(endpoint)
  return {
    profile: profileName,
    region: region ?? 'us-east-1',
    ...endpointVariant(configuration, endpoint),
    ignoreConfiguredEndpointUrls: true,
    requestHandler,
    ...(endpoint && { endpoint: endpoint.url }),
  }
}

type Sts = Awaited<ReturnType<typeof clientSts>>
type RoleAssumer = ReturnType<Sts['getDefaultRoleAssumer']>
type RoleAssumerWithWebIdentity = ReturnType<Sts['getDefaultRoleAssumerWithWebIdentity']>

/** Returns functions that assume roles. They load the client of STS, which is large, at their first call. */
function roleAssumers(aws: AwsOptions, configuration: AwsConfiguration) {
  const config = () => nestedConfig(aws, configuration, 'STS')
  let assume: RoleAssumer | undefined
  let assumeWithWebIdentity: RoleAssumerWithWebIdentity | undefined
  return {
    async roleAssumer(...parameters: Parameters<RoleAssumer>) {
      assume ??= (await clientSts()).getDefaultRoleAssumer(config())
      return assume(...parameters)
    },
    async roleAssumerWithWebIdentity(...parameters: Parameters<RoleAssumerWithWebIdentity>) {
      assumeWithWebIdentity ??= (await clientSts()).getDefaultRoleAssumerWithWebIdentity(config())
      return assumeWithWebIdentity(...parameters)
    },
  }
}

/**
 * Finds credentials with the SDK's providers, in the order of the AWS CLI. The SDK's own chain has
 * another order: it prefers AWS_PROFILE to keys in the environment, and the profile's keys to a web
 * identity in the environment; and it continues if a profile cannot be used.
 *
 * @throws an Error named `CredentialsProviderError` if there are no credentials.
 */
async function fromConfiguration(
  aws: AwsOptions,
  configuration: AwsConfiguration,
  assumers: ReturnType<typeof roleAssumers>,
  mfaCodeProvider: (serial: string) => Promise<string>,
): Promise<AwsCredentialIdentity> {
  configuration.checkProfile()
  const { profile, profileName, credentialsFileProfile, isProfileExplicit } = configuration
  const env: Environment = isProfileExplicit ? {} : process.env
  if (env.AWS_ACCESS_KEY_ID) return fromEnvironment(env)

  const clientConfig = nestedConfig(aws, configuration, 'SSO')
  const init = {
    profile: profileName,
    mfaCodeProvider,
    ...assumers,
    clientConfig,
    parentClientConfig: clientConfig,
  }
  const fromProfile = async () => {
    const { fromIni } = await import('@aws-sdk/credential-provider-ini')
    return fromIni(init)()
  }
  if (profile.role_arn && !profile.web_identity_token_file) return fromProfile()
  const tokenFile = env.AWS_WEB_IDENTITY_TOKEN_FILE || profile.web_identity_token_file
  if (tokenFile) {
    const { fromTokenFile } = await import('@aws-sdk/credential-provider-web-identity')
    const roleArn = env.AWS_ROLE_ARN || profile.role_arn
    const roleSessionName = env.AWS_ROLE_SESSION_NAME || profile.role_session_name
    if (!roleArn)
      throw configurationError(
        `${tokenFile} is a web identity token, and no role is named: set AWS_ROLE_ARN.`,
      )
    return fromTokenFile({
      ...init,
      webIdentityTokenFile: tokenFile,
      roleArn,
      ...(roleSessionName && { roleSessionName }),
    })()
  }
  if (Object.keys(profile).some((name) => name.startsWith('sso_'))) {
    const { fromSSO } = await import('@aws-sdk/credential-provider-sso')
    return fromSSO(init)()
  }
  if (credentialsFileProfile.aws_access_key_id || profile.login_session) return fromProfile()
  if (profile.credential_process) {
    const { fromProcess } = await import('@aws-sdk/credential-provider-process')
    return fromProcess(init)()
  }
  if (profile.aws_access_key_id) return fromProfile()
  return fromMachine(configuration)
}

async function fromEnvironment(env: Environment): Promise<AwsCredentialIdentity> {
  if (!env.AWS_SECRET_ACCESS_KEY)
    throw credentialsError('AWS_ACCESS_KEY_ID is set, and AWS_SECRET_ACCESS_KEY is not.')
  const { fromEnv } = await import('@aws-sdk/credential-provider-env')
  const identity = await fromEnv()()
  // The AWS CLI also reads the old name, and prefers it.
  const sessionToken = env.AWS_SECURITY_TOKEN || env.AWS_SESSION_TOKEN
  return { ...identity, ...(sessionToken && { sessionToken }) }
}

/** Returns the credentials of the container or the EC2 instance. */
async function fromMachine({ profileName }: AwsConfiguration): Promise<AwsCredentialIdentity> {
  const env = process.env
  if (env.AWS_CONTAINER_CREDENTIALS_FULL_URI || env.AWS_CONTAINER_CREDENTIALS_RELATIVE_URI) {
    const { fromHttp } = await import('@aws-sdk/credential-provider-http')
    return fromHttp({})()
  }
  const none = `no credentials were found: not in the environment, and not in the profile ${profileName}`
  if (env.AWS_EC2_METADATA_DISABLED?.toLowerCase() === 'true') throw credentialsError(`${none}.`)
  const { fromInstanceMetadata } = await import('@smithy/credential-provider-imds')
  return fromInstanceMetadata({ profile: profileName })().catch((error: unknown) => {
    throw credentialsError(`${none}, and no instance metadata service answers.`, { cause: error })
  })
}
