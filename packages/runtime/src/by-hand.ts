import { environment } from './environment.js'
import { decrypting, type Settings } from './decrypt.js'
import type { Failure } from './error.js'
import { hostIn, hostOf } from './host.js'
import type { Fields, Wrapped } from './request.js'
import { secret, type As } from './secret.js'

export interface DecryptOptions extends Omit<Settings, 'start'> {
  /** The key's ARN. The request goes to its region, and KMS uses only this key. */
  keyId: string
  /** The same as at encryption. Default none. */
  encryptionContext?: Record<string, string>
  /** Absent for a symmetric key. */
  encryptionAlgorithm?: 'RSAES_OAEP_SHA_1' | 'RSAES_OAEP_SHA_256' | 'SM2PKE'
}

/**
 * Decrypts a CiphertextBlob, as `aws kms encrypt` prints it, and starts immediately. The returned
 * promise behaves as a mark's: it shows no value where it is printed, and an await after a failure
 * tries again.
 *
 * @param blob the CiphertextBlob, in base64 or as bytes
 * @param options `as` selects bytes or the value of the JSON; by default, the result is a string
 * @returns a promise of the plaintext
 * @throws KmsSecretError if it cannot be decrypted
 * @throws TypeError if `keyId` is not a key ARN
 */
export function decrypt(
  blob: string | Uint8Array,
  options: DecryptOptions & { as: 'bytes' },
): Promise<Uint8Array>
export function decrypt(
  blob: string | Uint8Array,
  options: DecryptOptions & { as: 'json' },
): Promise<unknown>
export function decrypt(blob: string | Uint8Array, options: DecryptOptions): Promise<string>
export function decrypt(
  blob: string | Uint8Array,
  {
    keyId,
    encryptionContext = {},
    encryptionAlgorithm,
    as,
    ...settings
  }: DecryptOptions & { as?: As },
): Promise<unknown> {
  const base64 = typeof blob === 'string' ? blob : Buffer.from(blob).toString('base64')
  const fields = encryptionAlgorithm
    ? { EncryptionAlgorithm: encryptionAlgorithm }
    : { EncryptionContext: encryptionContext }
  const wrapped: Wrapped = [keyId, hostOf(keyId), base64]
  return begun(secret('decrypt', as, decryptOf(wrapped, fields, settings)))
}

export interface DecryptEnvOptions extends Omit<Settings, 'start'> {
  /** The key's ARN; by default the key that the ciphertext names, in the function's own region. */
  keyId?: string
  /** Default `{ LambdaFunctionName: AWS_LAMBDA_FUNCTION_NAME }`, as in the Lambda console's encryption helper. */
  encryptionContext?: Record<string, string>
}

/**
 * Decrypts an environment variable that contains KMS ciphertext in base64, as the Lambda console's
 * encryption helper stores it, and starts immediately. The returned promise behaves as that of
 * {@link decrypt}.
 *
 * @param name the environment variable
 * @param options see {@link DecryptEnvOptions}
 * @returns a promise of the plaintext
 * @throws KmsSecretError ENV_UNSET if the variable is not set
 * @throws TypeError if neither `keyId` nor AWS_REGION is set
 */
export function decryptEnv(
  name: string,
  { keyId, encryptionContext, ...settings }: DecryptEnvOptions = {},
): Promise<string> {
  const { [name]: blob, AWS_REGION: region, AWS_LAMBDA_FUNCTION_NAME: fn } = environment()
  if (!keyId && !region) throw new TypeError(`${name}: pass keyId, because AWS_REGION is not set`)
  const unset: Failure = { code: 'ENV_UNSET', why: 'not set' }
  const open = () => {
    if (!blob) return Promise.reject(unset)
    const wrapped: Wrapped = keyId
      ? [keyId, hostOf(keyId), blob]
      : [`arn:aws:kms:${region}:*:key/*`, hostIn(region!), blob]
    const fields = {
      EncryptionContext: encryptionContext ?? { LambdaFunctionName: fn! },
      ...(!keyId && { KeyId: undefined }),
    }
    return decryptOf(wrapped, fields, settings)()
  }
  return begun(secret(name, undefined, open)) as Promise<string>
}

const decryptOf = (wrapped: Wrapped, fields: Fields, settings: Settings) =>
  decrypting([wrapped], fields, settings, (plaintext) => plaintext)

/** Starts a lazy promise. It is not replaced by a native one, which would show its value. Failures reject it. */
function begun<T>(lazy: Promise<T>): Promise<T> {
  lazy.catch(() => {})
  return lazy
}
