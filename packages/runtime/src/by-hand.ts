import { decrypting, type Settings } from './decrypt.js'
import { KmsSecretError } from './error.js'
import { hostIn, hostOf } from './host.js'
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
  const wrapped = [
    keyId,
    hostOf(keyId),
    typeof blob === 'string' ? blob : Buffer.from(blob).toString('base64'),
    encryptionAlgorithm,
  ] as const
  return secret('decrypt', as, decrypting([[...wrapped]], encryptionContext, settings)).then()
}

export interface DecryptEnvOptions extends Omit<Settings, 'start'> {
  /** The key's ARN; by default whichever key the ciphertext names, in the function's own region. */
  keyId?: string
  /** Default `{ LambdaFunctionName: AWS_LAMBDA_FUNCTION_NAME }`, as the Lambda console's encryption helper has it. */
  encryptionContext?: Record<string, string>
}

/**
 * Decrypts an environment variable that holds KMS ciphertext in base64, as the Lambda console's encryption
 * helper leaves it. From `@unplugin-kms/runtime`.
 *
 * @throws KmsSecretError ENV_UNSET if there is no such variable
 */
export async function decryptEnv(
  name: string,
  { keyId = '', encryptionContext, ...settings }: DecryptEnvOptions = {},
): Promise<string> {
  const { env } = process
  const blob = env[name]
  if (!blob) throw new KmsSecretError({ code: 'ENV_UNSET', why: 'not set', secret: name })
  const host = keyId ? hostOf(keyId) : hostIn(env.AWS_REGION!)
  const context = encryptionContext ?? { LambdaFunctionName: env.AWS_LAMBDA_FUNCTION_NAME! }
  return (await secret(
    name,
    undefined,
    decrypting([[keyId, host, blob]], context, settings),
  )) as string
}
