import { KmsBuildError } from '../errors.js'

const UNREACHABLE = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ETIMEDOUT',
  'EPIPE',
  'EHOSTUNREACH',
  'ENETUNREACH',
])

/** Whether no answer came at all: the network, a name, an endpoint. */
export const isUnreachable = (error: unknown) => {
  const { name, code } = error as Error & { code?: string }
  return UNREACHABLE.has(code ?? '') || name === 'TimeoutError' || name === 'AggregateError'
}

/** AWS's messages end with a full stop or without. */
export const sentence = (message: string) => message.trimEnd().replace(/\.?$/, '.')

/** KMS's own words tell which of the two policies is silent, but for the key of a ciphertext. */
function whatIsMissing(message: string): string {
  if (message.includes('no resource-based policy allows')) {
    return (
      "The key policy forgets this identity, and its IAM policies, right as they may be, don't make up for that: " +
      "the key policy must name it, or let the account's IAM policies decide (principal arn:aws:iam::ACCOUNT:root)."
    )
  }
  if (message.includes('no identity-based policy allows'))
    return "The key policy leaves it to the account's IAM policies, and none of this identity's allows it."
  return (
    "Both must allow it: the identity's IAM policy, and the key policy, which names the identity or " +
    "lets the account's IAM policies decide."
  )
}

/** Says what KMS refused and what to do; KMS's own messages hold no plaintext. */
export function explain(error: unknown, action: string, keyId: string): KmsBuildError {
  const { name, message, code } = error as Error & { code?: string }
  const fail = (kind: 'KMS_DENIED' | 'KMS_UNREACHABLE' | 'KMS_FAILED', text: string) =>
    new KmsBuildError(kind, text, undefined, { cause: error })
  if (name === 'AccessDeniedException') {
    return fail(
      'KMS_DENIED',
      `KMS denies ${action} on ${keyId}: ${sentence(message)} ${whatIsMissing(message)}`,
    )
  }
  if (
    name === 'CredentialsProviderError' ||
    name === 'UnrecognizedClientException' ||
    /expired/i.test(name)
  ) {
    return fail(
      'KMS_DENIED',
      `AWS accepts no credentials for ${action} on ${keyId}: ${sentence(message)} Sign in, or set the option aws.profile.`,
    )
  }
  if (isUnreachable(error)) {
    return fail(
      'KMS_UNREACHABLE',
      `KMS could not be reached for ${action} on ${keyId} (${code ?? name}). Check the network, and AWS_ENDPOINT_URL_KMS if it is set.`,
    )
  }
  if (message === 'Region is missing') {
    return fail(
      'KMS_FAILED',
      `no region for ${keyId}. Give the key's ARN, the option aws.region, or AWS_REGION.`,
    )
  }
  return fail('KMS_FAILED', `KMS refused ${action} on ${keyId}: ${name}: ${message}`)
}
