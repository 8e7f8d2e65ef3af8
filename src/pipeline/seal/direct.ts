import { createHash } from 'node:crypto'
import { areRelated, parseKeyArn } from '../../aws/key-arn.js'
import type { KmsCalls } from '../../aws/kms.js'
import { contextText } from '../../crypto/data-key-pair.js'
import type { Direct } from '../../crypto/wrapped-secret.js'
import { KmsBuildError, type Place } from '../../errors.js'
import { memoizeAsync } from '../../util/memoize-async.js'

/** The size limit of kms:Encrypt under a symmetric key, in bytes. */
const LARGEST = 4096

/**
 * Returns a function that encrypts a plaintext under each key, or once under a multi-Region key in
 * several regions. An unchanged value of the same name keeps its ciphertext.
 */
export function directSealer(
  kms: Pick<KmsCalls, 'encrypt'>,
  bounded: <T>(run: () => Promise<T>) => Promise<T>,
) {
  const encrypt = (keyIds: string[], plaintext: Uint8Array, context: Record<string, string>) =>
    Promise.all(keyIds.map((keyId) => bounded(() => kms.encrypt(keyId, plaintext, context))))

  async function wrap(keyIds: string[], plaintext: Uint8Array, context: Record<string, string>) {
    const arns = keyIds.map(parseKeyArn)
    if (keyIds.length === 1 || !arns.every((arn) => arn !== null) || !areRelated(arns))
      return encrypt(keyIds, plaintext, context)
    const [first] = await encrypt([keyIds[0]!], plaintext, context)
    return keyIds.map((keyId) => ({ ...first!, keyId }))
  }
  const wrapOnce = memoizeAsync((_: string, ...args: Parameters<typeof wrap>) => wrap(...args))

  /**
   * @param secret its name and place distinguish equal values, so that their ciphertexts differ.
   * @throws KmsBuildError PLAINTEXT_TOO_LARGE, KMS_DENIED, KMS_UNREACHABLE, KMS_FAILED.
   */
  return async (
    secret: { name: string; place: Place },
    plaintext: Uint8Array,
    keyIds: string[],
    encryptionContext: Record<string, string>,
  ): Promise<Direct> => {
    const { name, place } = secret
    if (plaintext.length > LARGEST) {
      throw new KmsBuildError(
        'PLAINTEXT_TOO_LARGE',
        `the value of ${name} has ${plaintext.length} bytes, and KMS encrypts at most ${LARGEST} bytes in mode direct. Seal it in mode envelope, the default.`,
        place,
      )
    }
    const digest = createHash('sha256').update(plaintext).digest('base64')
    const key = JSON.stringify([place.file, name, digest, keyIds, contextText(encryptionContext)])
    return { wrapped: await wrapOnce(key, keyIds, plaintext, encryptionContext), encryptionContext }
  }
}
