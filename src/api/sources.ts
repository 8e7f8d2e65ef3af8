import type { SecretsOptions } from '../secrets-file/locate.js'
import type { EncryptBlobOptions } from '../secrets/encrypt-blob.js'
import type { ScanResult, ScanOptions } from '../secrets/scan.js'
import type { SealTokenOptions } from '../secrets/seal-token.js'
import type { ChangedSource } from '../secrets/sources.js'

/**
 * Finds plaintext literals in source files. Needs neither a secrets file nor AWS.
 *
 * @param paths files and folders.
 * @returns the modules with plaintext literals, and their places.
 * @throws {@link KmsBuildError} `FILE_UNREADABLE`, `SOURCE_UNPARSABLE`, `ARGUMENT_NOT_STATIC`.
 */
export async function findPlaintextLiterals(paths: string[]): Promise<ChangedSource[]> {
  return (await import('../secrets/encrypt.js')).findPlaintextLiterals(paths)
}

/**
 * Replaces plaintext literals in source files by tokens, and changes no other byte. Calls no AWS
 * service. If a run is interrupted, the next one finishes it.
 *
 * @param paths files and folders.
 * @returns the modules that were changed, and warnings.
 * @throws {@link KmsBuildError} `STAGES_SEVERAL`, `PIN_MISMATCH`, `PLAINTEXT_EMPTY`,
 *   `PLAINTEXT_LONE_SURROGATE`, `FILE_CHANGED`, `FILE_UNWRITABLE`, and the errors of
 *   {@link findPlaintextLiterals}.
 */
export async function encryptSources(
  paths: string[],
  options?: SecretsOptions,
): Promise<{ changed: ChangedSource[]; warnings: string[] }> {
  return (await import('../secrets/encrypt.js')).encryptSources(paths, options)
}

/**
 * Replaces sealed literals in source files by their plaintexts, with kms:Decrypt. Writes nothing
 * unless all of them can be decrypted.
 *
 * @param paths files and folders.
 * @returns the modules that were changed.
 * @throws {@link KmsBuildError} `TOKEN_INVALID`, `TOKEN_NAMED`, `TOKEN_FOREIGN`, `PAIR_MISMATCH`,
 *   `OPEN_FAILED`; `KMS_DENIED`, `KMS_UNREACHABLE`, `KMS_FAILED`; `FILE_CHANGED`, `FILE_UNWRITABLE`.
 */
export async function decryptSources(
  paths: string[],
  options?: SecretsOptions,
): Promise<{ changed: ChangedSource[] }> {
  return (await import('../secrets/decrypt.js')).decryptSources(paths, options)
}

/**
 * Searches a folder of build output, of any tool, for plaintexts and for marks that were never
 * transformed. It is the search of the build's leak check.
 *
 * @param folder the folder to search.
 * @param options the values to search for: entries of a secrets file, variables, dotenv files.
 * @returns the leaks with their places, never a value.
 * @throws {@link KmsBuildError} `FILE_UNREADABLE`; `ENV_UNSET`; `PLAINTEXT_EMPTY` if there is nothing
 *   to search for; and the errors of {@link getSecret}.
 */
export async function scanFolder(folder: string, options?: ScanOptions): Promise<ScanResult> {
  return (await import('../secrets/scan.js')).scanFolder(folder, options)
}

/**
 * Seals a value to the current data key pair of a secrets file, for a service that receives secrets
 * from others. Reads and writes no file, and calls no AWS service.
 *
 * @param value a string, sealed as UTF-8, or bytes.
 * @returns a token, `kms:v1:…`.
 * @throws {@link KmsBuildError} `SECRETS_FILE_INVALID`, `PIN_MISMATCH`, `NAME_INVALID`,
 *   `PLAINTEXT_EMPTY`, `PLAINTEXT_LONE_SURROGATE`.
 * @example
 * ```ts
 * import secretsFile from './kms-secrets.json' with { type: 'json' }
 * const token = await sealToken(value, { secretsFile, name: 'DB_PASSWORD', pin })
 * ```
 */
export async function sealToken(
  value: string | Uint8Array,
  options: SealTokenOptions,
): Promise<string> {
  return (await import('../secrets/seal-token.js')).sealToken(value, options)
}

/**
 * Encrypts a value with kms:Encrypt, as `aws kms encrypt` does. For `secret.ciphertext`, `decrypt`
 * and `decryptEnv`.
 *
 * @param value at most 4,096 bytes.
 * @returns the key ARN, and the CiphertextBlob in base64.
 * @throws {@link KmsBuildError} `PLAINTEXT_EMPTY`, `PLAINTEXT_LONE_SURROGATE`, `KMS_DENIED`,
 *   `KMS_UNREACHABLE`, `KMS_FAILED`.
 */
export async function encryptBlob(
  value: string | Uint8Array,
  options: EncryptBlobOptions,
): Promise<{ keyId: string; ciphertextBlob: string }> {
  return (await import('../secrets/encrypt-blob.js')).encryptBlob(value, options)
}
