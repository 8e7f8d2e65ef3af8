import { decrypting, type Settings } from './decrypt.js'
import type { Failure } from './error.js'
import { hostIn, hostOf } from './host.js'
import type { Wrapped } from './request.js'
import { secret, type As } from './secret.js'

export interface DecryptOptions extends Omit<Settings, 'start'> {
  /** The key's ARN. Its region is asked, and KMS opens with this key alone. */
  keyId: string
  /** Exactly as it was when the value was encrypted. Default none. */
  encryptionContext?: Record<string, string>
  /** Absent for a symmetric key. */
  encryptionAlgorithm?: 'RSAES_OAEP_SHA_1' | 'RSAES_OAEP_SHA_256' | 'SM2PKE'
}

/**
 * Decrypts what `aws kms encrypt` made, at once. From `@unplugin-kms/runtime`.
 * Like a mark, what is returned shows no value where it is printed, and awaited after a failure tries anew.
 *
 * @param blob the CiphertextBlob, base64 or bytes
 * @param options `as` makes bytes of it, or the value of its JSON; by default it is text
 * @throws KmsSecretError
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
  const wrapped: Wrapped = [
    keyId,
    hostOf(keyId),
    typeof blob === 'string' ? blob : Buffer.from(blob).toString('base64'),
    encryptionAlgorithm,
  ]
  return begun(secret('decrypt', as, decrypting([wrapped], encryptionContext, settings)))
}

/** No native promise, which would show its value. A failure is told to whoever awaits. */
function begun<T>(lazy: Promise<T>): Promise<T> {
  lazy.catch(() => {})
  return lazy
}

export interface DecryptEnvOptions extends Omit<Settings, 'start'> {
  /** The key's ARN; by default whichever key the ciphertext names, in the function's own region. */
  keyId?: string
  /** Default `{ LambdaFunctionName: AWS_LAMBDA_FUNCTION_NAME }`, as the Lambda console's encryption helper has it. */
  encryptionContext?: Record<string, string>
}

/**
 * Decrypts an environment variable that holds KMS ciphertext in base64, as the Lambda console's encryption
 * helper leaves it, at once. From `@unplugin-kms/runtime`. What is returned is as `decrypt`'s.
 *
 * @throws KmsSecretError ENV_UNSET if there is no such variable
 */
export function decryptEnv(
  name: string,
  { keyId = '', encryptionContext, ...settings }: DecryptEnvOptions = {},
): Promise<string> {
  const { [name]: blob, AWS_REGION: region, AWS_LAMBDA_FUNCTION_NAME: fn } = process.env
  if (!keyId && !region) throw new TypeError(`${name}: give keyId, since AWS_REGION is not set`)
  const host = keyId ? hostOf(keyId) : hostIn(region!)
  const open = decrypting(
    [[keyId, host, blob!]],
    encryptionContext ?? { LambdaFunctionName: fn! },
    settings,
  )
  const unset: Failure = { code: 'ENV_UNSET', why: 'not set' }
  return begun(
    secret(name, undefined, blob ? open : () => Promise.reject(unset)),
  ) as Promise<string>
}
