import { generateKeyPairSync } from 'node:crypto'
import { fingerprintOf, type DataKeyPair } from '../crypto/data-key-pair.js'
import { areRelated, parseKeyArn } from './key-arn.js'
import type { KmsCalls } from './kms.js'

/**
 * Creates a data key pair. With one KMS key, or one multi-Region key in several regions, KMS creates it
 * and the plaintext private key never reaches this process. With unrelated keys, and where KMS or an
 * emulator cannot create pairs, this process creates it, encrypts it under each key and zeroes it.
 *
 * @param keyIds key ids, ARNs, aliases or alias ARNs. KMS's answers resolve them to key ARNs.
 * @param copyPrivateKey makes a recovery copy. If set, the pair is always created in this process.
 * @throws KmsBuildError KMS_DENIED, KMS_UNREACHABLE, KMS_FAILED.
 */
export async function createDataKeyPair(
  kms: KmsCalls,
  keyIds: string[],
  encryptionContext: Record<string, string>,
  copyPrivateKey?: (pkcs8: Uint8Array) => Promise<void>,
): Promise<DataKeyPair> {
  const arns = keyIds.map(parseKeyArn)
  const related = keyIds.length === 1 || (arns.every((arn) => arn !== null) && areRelated(arns))
  const made =
    related && !copyPrivateKey ? await kms.generateDataKeyPair(keyIds[0]!, encryptionContext) : null
  if (!made) return wrapLocally(kms, keyIds, encryptionContext, copyPrivateKey)
  const { keyId, publicKey, ciphertextBlob } = made
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
  copyPrivateKey?: (pkcs8: Uint8Array) => Promise<void>,
) {
  const { publicKey, privateKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { format: 'der', type: 'spki' },
    privateKeyEncoding: { format: 'der', type: 'pkcs8' },
  })
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
