import { kmsOpeningCalls } from '../aws/kms-decrypt.js'
import { existingEntry, existingSecretsFile, type SecretsOptions } from '../secrets-file/locate.js'
import { opener } from '../secrets-file/open.js'

/**
 * Opens one entry, with kms:Decrypt.
 *
 * @returns the value's bytes; text is UTF-8.
 * @throws KmsBuildError NAME_UNKNOWN, SECRETS_FILE_MISSING, SECRETS_FILE_INVALID, and what `opener`
 *   throws.
 */
export async function getSecret(name: string, options: SecretsOptions = {}): Promise<Uint8Array> {
  const file = await existingSecretsFile(options)
  const token = existingEntry(file, name)
  return opener(kmsOpeningCalls(options.aws ?? {}), file).open(token, name)
}
