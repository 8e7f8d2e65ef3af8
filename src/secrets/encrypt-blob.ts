import { kmsCalls } from '../aws/kms.js'
import type { AwsOptions } from '../options/types.js'
import { checkValue } from './set.js'

export interface EncryptBlobOptions {
  /** A key id, key ARN, alias or alias ARN. */
  keyId: string
  encryptionContext?: Record<string, string>
  aws?: AwsOptions
}

/**
 * Encrypts a value of at most 4096 bytes with kms:Encrypt, as `aws kms encrypt` does: for
 * `secret.ciphertext`, `decrypt` and `decryptEnv`.
 *
 * @returns the key's ARN, and the CiphertextBlob in base64
 * @throws KmsBuildError PLAINTEXT_EMPTY, PLAINTEXT_LONE_SURROGATE, KMS_DENIED, KMS_UNREACHABLE,
 *   KMS_FAILED.
 */
export async function encryptBlob(
  value: string | Uint8Array,
  { keyId, encryptionContext = {}, aws = {} }: EncryptBlobOptions,
): Promise<{ keyId: string; ciphertextBlob: string }> {
  checkValue('the ciphertext', value)
  return kmsCalls(aws).encrypt(keyId, Buffer.from(value as Uint8Array), encryptionContext)
}
