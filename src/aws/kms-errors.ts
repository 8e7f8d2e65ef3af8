import type { KeyPairSpec } from '../crypto/suites.js'
import type { KmsBuildError } from '../errors.js'
import { explainFailure } from './explain-failure.js'

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

/** Returns the condition that may be the reason: policies for P-256 pairs name their spec. */
const specCondition = (keyPairSpec: KeyPairSpec | undefined) =>
  keyPairSpec === 'ML_KEM_1024'
    ? ' A policy with the condition kms:DataKeyPairSpec must allow ML_KEM_1024.'
    : ''

/**
 * Explains why a call of KMS failed, and what to do. KMS's own messages contain no plaintext.
 *
 * @param keyPairSpec the spec of the data key pair that the call creates.
 */
export const explain = (
  error: unknown,
  action: string,
  keyId: string,
  keyPairSpec?: KeyPairSpec,
): KmsBuildError =>
  explainFailure(error, {
    service: 'KMS',
    call: `${action} on ${keyId}`,
    denied: 'KMS_DENIED',
    failed: 'KMS_FAILED',
    unreachable: 'KMS_UNREACHABLE',
    missingPermission: (message) => missingPermission(message) + specCondition(keyPairSpec),
  })
