import { kmsOpeningCalls } from '../aws/kms-decrypt.js'
import { KmsBuildError } from '../errors.js'
import { editSecretsFile } from '../secrets-file/edit.js'
import { existingEntry, type SecretsOptions } from '../secrets-file/locate.js'
import { checkName } from '../secrets-file/names.js'
import { opener } from '../secrets-file/open.js'
import { pairOf } from '../secrets-file/scopes.js'
import { sealEntry } from './set.js'

/**
 * Renames an entry. A token is bound to its name, so the value is decrypted (kms:Decrypt) and sealed
 * again.
 *
 * @throws KmsBuildError NAME_UNKNOWN, NAME_INVALID, NAME_TAKEN, and what `opener` and
 *   `editSecretsFile` throw.
 */
export async function renameSecret(from: string, to: string, options: SecretsOptions = {}) {
  checkName(to)
  return editSecretsFile(options, 'check', async (file) => {
    const token = existingEntry(file, from)
    if (file.secrets.has(to))
      throw new KmsBuildError(
        'NAME_TAKEN',
        `${file.path} already has a secret ${to}. Unset it first, or choose another name.`,
      )
    const plaintext = await opener(kmsOpeningCalls(options.aws ?? {}), file).open(token, from)
    await sealEntry(file, to, plaintext, pairOf(file, token).scope)
    plaintext.fill(0)
    file.secrets.delete(from)
  })
}
