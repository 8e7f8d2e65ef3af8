import { kmsOpeningCalls } from '../aws/kms-decrypt.js'
import { existingEntry, existingSecretsFile, type SecretsOptions } from '../secrets-file/locate.js'
import { opener } from '../secrets-file/open.js'
import { recoveryOpener } from '../secrets-file/recovery.js'

export interface GetOptions extends SecretsOptions {
  /** Path of an age identity file that decrypts in place of KMS. */
  recovery?: string
}

/**
 * Decrypts entries, with one kms:Decrypt per data key pair.
 *
 * @returns the values' bytes by name; text is UTF-8.
 * @throws KmsBuildError NAME_UNKNOWN, SECRETS_FILE_MISSING, SECRETS_FILE_INVALID, and what `opener`
 *   and `recoveryOpener` throw.
 */
export async function getSecrets(
  names: string[],
  options: GetOptions = {},
): Promise<Map<string, Uint8Array>> {
  const file = await existingSecretsFile(options)
  const tokens = names.map((name) => [name, existingEntry(file, name)] as const)
  const { open } =
    options.recovery === undefined
      ? opener(kmsOpeningCalls(options.aws ?? {}), file)
      : await recoveryOpener(file, options.recovery)
  return new Map(
    await Promise.all(
      tokens.map(async ([name, token]) => [name, await open(token, name)] as const),
    ),
  )
}

/** Decrypts one entry; see `getSecrets`. */
export async function getSecret(name: string, options?: GetOptions): Promise<Uint8Array> {
  return (await getSecrets([name], options)).get(name)!
}
