import type { EditResult } from '../secrets-file/edit.js'
import type { SecretsOptions } from '../secrets-file/locate.js'
import type { InitResult, InitOptions } from '../secrets/init.js'
import type { ListedKeys } from '../secrets/keys.js'
import type { ListedSecret } from '../secrets/list.js'
import type { PruneResult, PruneOptions } from '../secrets/prune.js'
import type { RewrapOptions, rewrapSecrets as rewrap } from '../secrets/rewrap.js'
import type { RotateResult, RotateOptions } from '../secrets/rotate.js'
import type { SetOptions, SetResult } from '../secrets/set.js'

export { mergeSecretsFiles } from '../secrets-file/merge.js'

/**
 * Creates a data key pair, and a secrets file for it, or a scope in the present file.
 *
 * @param options the KMS keys that may decrypt, the encryption context, and how to reach AWS.
 * @returns the file's path, and the pin and key ARNs of its pair.
 * @throws {@link KmsBuildError} `SECRETS_FILE_EXISTS` if there is a file; `KMS_DENIED`,
 *   `KMS_UNREACHABLE`, `KMS_FAILED` if KMS makes no pair; `FILE_LOCKED`, `FILE_UNWRITABLE`.
 * @example
 * ```ts
 * const { pin } = await initSecretsFile({
 *   keyIds: ['alias/app'],
 *   encryptionContext: { app: 'orders' },
 * })
 * ```
 */
export async function initSecretsFile(options: InitOptions): Promise<InitResult> {
  return (await import('../secrets/init.js')).initSecretsFile(options)
}

/**
 * Decrypts one entry, with kms:Decrypt.
 *
 * @param name the entry's name.
 * @returns the plaintext; a string is UTF-8.
 * @throws {@link KmsBuildError} `NAME_UNKNOWN`, `SECRETS_FILE_MISSING`, `SECRETS_FILE_INVALID`;
 *   `PAIR_MISMATCH`, `TOKEN_FOREIGN`, `OPEN_FAILED` if the entry cannot be decrypted; `KMS_DENIED`,
 *   `KMS_UNREACHABLE`, `KMS_FAILED`.
 * @example
 * ```ts
 * const password = Buffer.from(await getSecret('DB_PASSWORD')).toString()
 * ```
 */
export async function getSecret(name: string, options?: SecretsOptions): Promise<Uint8Array> {
  return (await import('../secrets/get.js')).getSecret(name, options)
}

/**
 * Seals a value into the secrets file. Calls no AWS service.
 *
 * @param name the entry's name: it is added, or its value is replaced.
 * @param value a string, sealed as UTF-8, or bytes.
 * @returns the names that were added and replaced.
 * @throws {@link KmsBuildError} as {@link setSecrets}.
 * @example
 * ```ts
 * await setSecret('DB_PASSWORD', process.env.NEW_PASSWORD)
 * ```
 */
export async function setSecret(
  name: string,
  value: Uint8Array | string,
  options?: SetOptions,
): Promise<EditResult<SetResult>> {
  return (await import('../secrets/set.js')).setSecret(name, value, options)
}

/**
 * Seals several values into the secrets file in one change. Calls no AWS service.
 *
 * @param values plaintexts by the names of their entries.
 * @returns the names that were added and replaced.
 * @throws {@link KmsBuildError} `NAME_INVALID`, `PLAINTEXT_EMPTY`, `PLAINTEXT_LONE_SURROGATE`;
 *   `PIN_MISMATCH` if the keys that can decrypt are not the trusted ones; `SCOPE_UNKNOWN`,
 *   `SCOPE_MISMATCH` if an entry belongs to another scope; `SECRETS_FILE_MISSING`,
 *   `SECRETS_FILE_INVALID`, `FILE_LOCKED`, `FILE_UNWRITABLE`. The file is unchanged then.
 */
export async function setSecrets(
  values: Map<string, Uint8Array | string>,
  options?: SetOptions,
): Promise<EditResult<SetResult>> {
  return (await import('../secrets/set.js')).setSecrets(values, options)
}

/**
 * Lists the entries of a secrets file, sorted by name. Calls no AWS service.
 *
 * @returns names, sizes in bytes, and whether an entry is sealed to an earlier pair.
 * @throws {@link KmsBuildError} `SECRETS_FILE_MISSING`, `SECRETS_FILE_INVALID`.
 */
export async function listSecrets(options?: SecretsOptions): Promise<ListedSecret[]> {
  return (await import('../secrets/list.js')).listSecrets(options)
}

/**
 * Lists the data key pairs of a secrets file with the KMS keys and encryption contexts that can decrypt
 * them, and compares them with what was trusted before. Calls no AWS service.
 *
 * @returns the pairs, the pin that covers them, and whether they are trusted.
 * @throws {@link KmsBuildError} `SECRETS_FILE_MISSING`, `SECRETS_FILE_INVALID`.
 */
export async function listKeys(options?: SecretsOptions): Promise<ListedKeys> {
  return (await import('../secrets/keys.js')).listKeys(options)
}

/**
 * Deletes an entry. Calls no AWS service.
 *
 * @throws {@link KmsBuildError} `NAME_UNKNOWN`, `SECRETS_FILE_MISSING`, `SECRETS_FILE_INVALID`,
 *   `FILE_LOCKED`, `FILE_UNWRITABLE`.
 */
export async function unsetSecret(
  name: string,
  options?: SecretsOptions,
): Promise<EditResult<void>> {
  return (await import('../secrets/unset.js')).unsetSecret(name, options)
}

/**
 * Renames an entry. A token is bound to its name, so the value is decrypted with kms:Decrypt and
 * sealed again.
 *
 * @throws {@link KmsBuildError} `NAME_UNKNOWN`, `NAME_INVALID`, `NAME_TAKEN`, and the errors of
 *   {@link getSecret} and {@link setSecrets}.
 */
export async function renameSecret(
  from: string,
  to: string,
  options?: SecretsOptions,
): Promise<EditResult<void>> {
  return (await import('../secrets/rename.js')).renameSecret(from, to, options)
}

/**
 * Makes a new data key pair current and seals every entry and literal again. Earlier pairs stay, so
 * that deployed bundles keep working. Finishes an interrupted rotation without a new pair.
 *
 * Needs kms:Decrypt, and kms:GenerateDataKeyPairWithoutPlaintext or kms:Encrypt. Everything is
 * decrypted and checked before anything is written; each file is replaced atomically.
 *
 * @throws {@link KmsBuildError} `PIN_MISMATCH`, `PAIR_MISMATCH`, `KEY_UNPROVEN` if a CiphertextBlob does
 *   not decrypt under its key; `SCOPE_UNKNOWN`, `OPEN_FAILED`, `TOKEN_FOREIGN`, `TOKEN_INVALID`, `TOKEN_NAMED`; `KMS_DENIED`, `KMS_UNREACHABLE`, `KMS_FAILED`; `FILE_CHANGED`,
 *   `FILE_LOCKED`, `FILE_UNWRITABLE`.
 * @example
 * ```ts
 * const { pins } = await rotateSecrets({ paths: ['src'] })
 * ```
 */
export async function rotateSecrets(options?: RotateOptions): Promise<RotateResult> {
  return (await import('../secrets/rotate.js')).rotateSecrets(options)
}

/**
 * Drops the earlier data key pairs that nothing is sealed to: no entry, no file in the paths, and no
 * file of a local or remote-tracking git branch. Calls no AWS service.
 *
 * @returns the fingerprints that were dropped, and those that are still in use, with their uses.
 * @throws {@link KmsBuildError} `SECRETS_FILE_MISSING`, `SECRETS_FILE_INVALID`, `FILE_LOCKED`,
 *   `FILE_UNWRITABLE`.
 */
export async function prunePairs(options?: PruneOptions): Promise<EditResult<PruneResult>> {
  return (await import('../secrets/prune.js')).prunePairs(options)
}

/**
 * Wraps the private keys under other KMS keys, or with another encryption context, inside KMS.
 * Tokens do not change.
 *
 * @throws {@link KmsBuildError} `OPTIONS_INVALID` if no CiphertextBlob is in the region of the new
 *   key; `PIN_MISMATCH`, `SCOPE_UNKNOWN`; `KMS_DENIED`, `KMS_UNREACHABLE`, `KMS_FAILED`; `SECRETS_FILE_MISSING`,
 *   `SECRETS_FILE_INVALID`, `FILE_LOCKED`, `FILE_UNWRITABLE`.
 */
export async function rewrapSecrets(options: RewrapOptions): ReturnType<typeof rewrap> {
  return (await import('../secrets/rewrap.js')).rewrapSecrets(options)
}

/**
 * Installs `unplugin-kms merge` as git's merge driver for a secrets file: a line in the
 * .gitattributes next to the file, and the driver in the repository's own configuration.
 *
 * @param secretsFile path of the secrets file.
 * @returns the path of the .gitattributes.
 * @throws {@link KmsBuildError} `ARGUMENT_INVALID` outside a git repository; `FILE_UNWRITABLE`.
 */
export async function installMergeDriver(secretsFile: string): Promise<string> {
  return (await import('../secrets/merge-driver.js')).installMergeDriver(secretsFile)
}

/**
 * Updates the declaration of names for TypeScript next to a secrets file, if there is one.
 *
 * @param file the file's path, and its entries by name.
 * @returns warnings, if it cannot be written.
 */
export async function updateTypes(file: {
  path: string
  secrets: Map<string, unknown>
}): Promise<string[]> {
  return (await import('../secrets-file/typings.js')).updateTypes(file)
}
