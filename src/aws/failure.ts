import { contactOf, type Contact } from './aws-error.js'
import { optionName } from './option-name.js'

/**
 * Why a call of an AWS service failed. Only the first three come from AWS.
 *
 * - `denied`: a policy does not allow it.
 * - `credentials-rejected`: AWS does not accept the credentials.
 * - `refused`: AWS returned any other error.
 * - `credentials-missing`: none were found, or they could not be loaded.
 * - `configuration`: variables, AWS's files or the options are wrong.
 * - `unreachable`: AWS was not reached, or the response is not from AWS.
 */
export type FailureKind =
  | 'denied'
  | 'credentials-rejected'
  | 'refused'
  | 'credentials-missing'
  | 'configuration'
  | 'unreachable'

export interface Failure {
  kind: FailureKind
  /** AWS's name of the error, or the system's code. */
  name: string
  /** What happened: one sentence without its full stop. */
  what: string
  /** What to do about it: full sentences. */
  next: string
}

interface ThrownError extends Error {
  code?: string
  $fault?: 'client' | 'server'
  $metadata?: { httpStatusCode?: number }
  $response?: { headers?: Record<string, string> }
}

const DENIED = /^(AccessDenied|UnauthorizedOperation|AuthorizationError)/
const REJECTED =
  /^(UnrecognizedClient|InvalidClientTokenId|InvalidAccessKeyId|ExpiredToken|InvalidSignature|IncompleteSignature|SignatureDoesNotMatch|MissingAuthenticationToken|AuthFailure|RequestExpired|InvalidToken)/

/** Classifies an error of one of our AWS clients. */
export function failureOf(thrown: unknown): Failure {
  const error = thrown as ThrownError
  const { name, message, code } = error
  // The SDK uses this name if the response body does not name an error.
  if (error.$fault && !/^Unknown(Error)?$/.test(name)) return answerOf(error)
  if (name === 'CredentialsProviderError' || name === 'TokenProviderError') {
    // If STS or SSO were not reached, the SDK's providers set that error as the cause.
    const { cause } = error
    if (cause instanceof Error && contactOf(cause) && !(cause as ThrownError).$fault)
      return failureOf(cause)
    return {
      kind: 'credentials-missing',
      name,
      what: `no AWS credentials: ${withoutStop(message)}`,
      next: `Sign in (aws sso login, aws configure), or set ${optionName('profile')} or AWS_PROFILE.`,
    }
  }
  const misconfigured = misconfiguration(error)
  if (misconfigured) return { kind: 'configuration', name: code ?? name, ...misconfigured }
  return { kind: 'unreachable', name: code ?? name, ...unreachable(error, contactOf(error)) }
}

function answerOf({ name, message }: ThrownError): Failure {
  const what = `${withoutStop(message)} (${name})`
  if (DENIED.test(name)) return { kind: 'denied', name, what: withoutStop(message), next: '' }
  if (!REJECTED.test(name)) return { kind: 'refused', name, what, next: '' }
  const next = /^(InvalidSignature|SignatureDoesNotMatch)/.test(name)
    ? 'Check that AWS_SECRET_ACCESS_KEY belongs to AWS_ACCESS_KEY_ID, and that the clock is right.'
    : `Sign in again (aws sso login), or set ${optionName('profile')} or AWS_PROFILE.`
  return { kind: 'credentials-rejected', name, what, next }
}

function misconfiguration(error: ThrownError): Pick<Failure, 'what' | 'next'> | undefined {
  const { name, message, code } = error
  if (name === 'AwsConfigurationError') return { what: withoutStop(message), next: '' }
  if (message === 'Region is missing')
    return {
      what: 'no region is set',
      next: `Use an ARN, or set ${optionName('region')} or AWS_REGION.`,
    }
  if (message.startsWith('Region not accepted'))
    return {
      what: 'the region is not a valid name',
      next: `Check ${optionName('region')} and AWS_REGION.`,
    }
  if (name === 'EndpointError')
    return {
      what: withoutStop(message),
      next: 'Unset AWS_USE_FIPS_ENDPOINT and AWS_USE_DUALSTACK_ENDPOINT, or the endpoint (AWS_ENDPOINT_URL, endpoint_url of the profile).',
    }
  if (code === 'ERR_INVALID_URL')
    return {
      what: 'the endpoint is not a valid URL',
      next: 'Check AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_KMS and its like, and endpoint_url of the profile.',
    }
  if (code === 'ERR_INVALID_CHAR')
    return {
      what: 'a credential contains a line break or another character that HTTP does not allow',
      next: 'Set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN without it.',
    }
  return undefined
}

const TIMEOUTS = /^(AwsDeadlineError|TimeoutError|AbortError)$/

function unreachable(
  error: ThrownError,
  contact: Contact | undefined,
): Pick<Failure, 'what' | 'next'> {
  const { name, message } = error
  // Node reports one error for each address of a name.
  const { errors: [first] = [] } = error as unknown as { errors?: NodeJS.ErrnoException[] }
  const code = error.code ?? first?.code ?? ''
  const whom = contact ? describeContact(contact) : 'AWS'
  const next = contact ? advice(contact) : 'Check the network.'
  const { proxy } = contact ?? {}
  const proxyStatus = proxy && /^Bad response: (\d+)/.exec(message)?.[1]
  if (proxyStatus)
    return {
      what: `the proxy ${proxy.host} (${proxy.variable}) does not connect to ${contact!.host} (HTTP ${proxyStatus})`,
      next:
        proxyStatus === '407'
          ? `Set its user and password: ${proxy.variable}=http://USER:PASSWORD@${proxy.host}.`
          : next,
    }
  const { httpStatusCode: status } = error.$metadata ?? {}
  if (status !== undefined && code !== 'ECONNRESET' && !TIMEOUTS.test(name)) {
    const type = error.$response?.headers?.['content-type'] ?? 'no content type'
    return { what: `the response of ${whom} is not from AWS (HTTP ${status}, ${type})`, next }
  }
  if (name === 'AwsEmptyAnswerError')
    return { what: `the response of ${whom} is not from AWS (${message})`, next }
  if (isCertificateError(code))
    return {
      what: `the certificate of ${whom} is not trusted (${code})`,
      next: 'Name a file with its certificate authority, in PEM, in AWS_CA_BUNDLE or NODE_EXTRA_CA_CERTS.',
    }
  if (code === 'ECONNREFUSED') return { what: `${whom} refused the connection (${code})`, next }
  if (code === 'ECONNRESET' || code === 'EPIPE')
    return { what: `${whom} closed the connection (${code})`, next }
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return {
      what: `the name of ${whom} could not be resolved (${code})`,
      next: `${next} Check the region.`,
    }
  if (TIMEOUTS.test(name))
    return {
      what: `${whom} did not answer in time${name === 'AwsDeadlineError' ? ` (${message})` : ''}`,
      next: `${next} UNPLUGIN_KMS_AWS_TIMEOUT_MS sets the limit.`,
    }
  return { what: `${whom} could not be reached (${code || name})`, next }
}

const isCertificateError = (code: string) =>
  /CERT|UNABLE_TO_(GET|VERIFY)|^ERR_TLS|^ERR_SSL|CRL|^INVALID_CA$|^INVALID_PURPOSE$|^EPROTO$/.test(
    code,
  )

function describeContact({ host, from, proxy }: Contact): string {
  const named = from === undefined ? host : `${host} (${from})`
  return proxy ? `${named} through the proxy ${proxy.host} (${proxy.variable})` : named
}

function advice({ from, proxy }: Contact): string {
  if (proxy)
    return `Check ${proxy.variable}, and NO_PROXY for hosts that are reached without the proxy.`
  if (from !== undefined) return `Check the network, and ${from}.`
  return 'Check the network, and set HTTPS_PROXY if the network requires a proxy.'
}

const withoutStop = (message: string) => message.trimEnd().replace(/\.$/, '')
