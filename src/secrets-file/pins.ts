import { parseKeyArn } from '../aws/key-arn.js'
import { publicKeyDigest } from '../crypto/data-key-pair.js'
import { KmsBuildError } from '../errors.js'
import type { SecretsFile } from './parse.js'

/**
 * Stops a build whose secrets file holds a public key that nobody vouched for: whoever can change
 * it reads all that is sealed next, and in a diff that looks like a rotation.
 *
 * @param pins `sha256:` and 64 hex digits each; none = nothing to compare with.
 * @throws KmsBuildError PIN_MISMATCH.
 */
export function checkPins({ path, pairs }: SecretsFile, pins: string[]) {
  if (!pins.length) return
  for (const { fingerprint, publicKey } of pairs.values()) {
    const pin = publicKeyDigest(publicKey)
    if (pins.includes(pin)) continue
    throw new KmsBuildError(
      'PIN_MISMATCH',
      `${path}: the public key ${fingerprint} is not the pinned one. Pinned: ${pins.join(', ')}; in the file: ${pin}. ` +
        'If the pair was rotated, check who did (git log), then pin the new key as well. If not, whoever changed it reads what you seal.',
    )
  }
}

/**
 * Checks that the private keys are encrypted under keys of the option `keyId` only. An alias cannot be
 * compared without calling AWS, which no build with a secrets file does.
 *
 * @throws KmsBuildError PIN_MISMATCH.
 */
export function checkKeys({ path, pairs }: SecretsFile, keyIds: string[]) {
  if (!keyIds.length || keyIds.some((keyId) => keyId.includes('alias/'))) return
  const allowed = (arn: string) => keyIds.includes(arn) || keyIds.includes(parseKeyArn(arn)!.keyId)
  const foreign = [...pairs.values()]
    .flatMap(({ wrapped }) => wrapped)
    .find(({ keyId }) => !allowed(keyId))
  if (foreign) {
    throw new KmsBuildError(
      'PIN_MISMATCH',
      `${path}: a private key is wrapped under ${foreign.keyId}, which is not among the option keyId (${keyIds.join(', ')}).`,
    )
  }
}
