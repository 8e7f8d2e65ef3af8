import { fingerprintOf, type DataKeyPair } from '../crypto/data-key-pair.js'
import { generatePair } from '../crypto/private-key.js'
import { checkPublicKey, SUITES, type Suite } from '../crypto/suites.js'
import { KmsBuildError } from '../errors.js'
import { areRelated, parseKeyArn } from './key-arn.js'
import type { KmsCalls } from './kms.js'

/**
 * Creates a data key pair. With one KMS key, or one multi-Region key in several regions, KMS creates it
 * and the private key is never in plaintext here. With unrelated keys, custom key stores and emulators
 * that cannot, it is created here, encrypted under each key and zeroed.
 *
 * @param keyIds key ids, ARNs, aliases or alias ARNs; resolved to key ARNs by KMS's own answers.
 * @param copyPrivateKey makes a recovery copy; the pair is then created here.
 * @throws KmsBuildError KMS_DENIED, KMS_UNREACHABLE, KMS_FAILED.
 */
export async function createDataKeyPair(
  kms: KmsCalls,
  keyIds: string[],
  encryptionContext: Record<string, string>,
  copyPrivateKey?: (pkcs8: Uint8Array) => Promise<void>,
  suite: Suite = 'P-256',
): Promise<DataKeyPair> {
  const arns = keyIds.map(parseKeyArn)
  const related = keyIds.length === 1 || (arns.every((arn) => arn !== null) && areRelated(arns))
  const made =
    related && !copyPrivateKey
      ? await kms.generateDataKeyPair(keyIds[0]!, encryptionContext, SUITES[suite].keyPairSpec)
      : null
  if (!made) return wrapLocally(kms, keyIds, encryptionContext, suite, copyPrivateKey)
  const { keyId, publicKey, ciphertextBlob } = made
  if (checkPublicKey(publicKey) !== suite)
    throw new KmsBuildError(
      'KMS_FAILED',
      `kms:GenerateDataKeyPairWithoutPlaintext on ${keyIds[0]!} returned a public key that is not a valid one of ${suite}. If an endpoint other than AWS's own is configured, check what answers there.`,
    )
  return {
    fingerprint: fingerprintOf(publicKey),
    publicKey,
    wrapped: [keyId, ...keyIds.slice(1)].map((id) => ({ keyId: id, ciphertextBlob })),
    encryptionContext,
  }
}

async function wrapLocally(
  kms: KmsCalls,
  keyIds: string[],
  encryptionContext: Record<string, string>,
  suite: Suite,
  copyPrivateKey?: (pkcs8: Uint8Array) => Promise<void>,
) {
  const { publicKey, privateKey } = await generatePair(suite)
  try {
    const wrapped = await Promise.all(
      keyIds.map((keyId) => kms.encrypt(keyId, privateKey, encryptionContext)),
    )
    await copyPrivateKey?.(privateKey)
    return { fingerprint: fingerprintOf(publicKey), publicKey, wrapped, encryptionContext }
  } finally {
    privateKey.fill(0)
  }
}
