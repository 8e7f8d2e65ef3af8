import { looksLikeToken } from '../../crypto/token.js'
import type { Direct } from '../../crypto/wrapped-secret.js'
import type { Mark } from '../collect/mark.js'
import { withKeys } from './blob-keys.js'
import { isEncryptionSdkMessage } from './encryption-sdk.js'
import { refuse } from './refuse.js'
import type { Sources } from './types.js'

/** The largest CiphertextBlob that kms:Decrypt accepts, in bytes. */
const LARGEST = 6144

/**
 * Returns the CiphertextBlob of a mark unchanged, except for line breaks in the base64.
 *
 * @throws KmsBuildError SOURCE_UNSUITABLE, KEY_MISSING.
 */
export async function fromCiphertext(mark: Mark, sources: Sources): Promise<Direct> {
  const { argument, encryptionContext, options } = mark
  const fail = (what: string): never => refuse('SOURCE_UNSUITABLE', `this ciphertext ${what}`, mark)
  if (looksLikeToken(argument)) fail("is a sealed token. Use secret('kms:v1:…').")
  const ciphertextBlob = argument.replace(/\s/g, '')
  const bytes = Buffer.from(ciphertextBlob, 'base64')
  if (!bytes.length || bytes.toString('base64') !== ciphertextBlob) {
    fail(
      'is not base64. Use the complete CiphertextBlob that aws kms encrypt prints (--query CiphertextBlob --output text).',
    )
  }
  if (bytes.length > LARGEST)
    fail(`has ${bytes.length} bytes, and kms:Decrypt accepts at most ${LARGEST}.`)
  if (isEncryptionSdkMessage(ciphertextBlob)) {
    fail(
      'is an AWS Encryption SDK message (aws-encryption-cli), which kms:Decrypt cannot decrypt. Encrypt with aws kms encrypt.',
    )
  }
  const algorithm = options.algorithm === 'SYMMETRIC_DEFAULT' ? undefined : options.algorithm
  if (algorithm && Object.keys(encryptionContext).length) {
    fail(`has an encryption context, and ${algorithm} has none. Give {} in its place.`)
  }
  return withKeys(
    mark,
    { ciphertextBlob, ...(algorithm && { algorithm }) },
    encryptionContext,
    sources,
  )
}
