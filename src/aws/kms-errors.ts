import { KmsBuildError, type BuildErrorCode } from '../errors.js'
import { failureOf } from './failure.js'

/** Explains which policy must change. AWS's message names it, except for the key of a ciphertext. */
function missingPermission(message: string): string {
  if (message.includes('no resource-based policy allows')) {
    return (
      'The key policy does not allow this identity, so its IAM policies have no effect: ' +
      "the key policy must name the identity, or let the account's IAM policies decide (principal arn:aws:iam::ACCOUNT:root)."
    )
  }
  if (message.includes('no identity-based policy allows'))
    return "The key policy lets the account's IAM policies decide, and no policy of this identity allows it."
  return (
    "Both must allow it: the identity's IAM policy, and the key policy, which names the identity or " +
    "lets the account's IAM policies decide."
  )
}

/** Explains why a call of KMS failed, and what to do. KMS's own messages contain no plaintext. */
export function explain(error: unknown, action: string, keyId: string): KmsBuildError {
  const { kind, name, what, next } = failureOf(error)
  const fail = (code: BuildErrorCode, text: string) =>
    new KmsBuildError(code, text.trimEnd(), undefined, { cause: error })
  switch (kind) {
    case 'denied':
      return fail(
        'KMS_DENIED',
        `KMS denies ${action} on ${keyId}: ${what}. ${missingPermission(what)}`,
      )
    case 'credentials-rejected':
      return fail(
        'KMS_DENIED',
        `AWS does not accept the credentials for ${action} on ${keyId}: ${what}. ${next}`,
      )
    case 'refused':
      return fail('KMS_FAILED', `KMS refused ${action} on ${keyId}: ${name}: ${messageOf(error)}`)
    case 'credentials-missing':
      return fail('CREDENTIALS_MISSING', `${action} on ${keyId} was not called: ${what}. ${next}`)
    case 'configuration':
      return fail('AWS_CONFIG_INVALID', `${action} on ${keyId} was not called: ${what}. ${next}`)
    case 'unreachable':
      return fail(
        'KMS_UNREACHABLE',
        `KMS could not be reached for ${action} on ${keyId}: ${what}. ${next}`,
      )
  }
}

const messageOf = (error: unknown) => (error as Error).message
