import { editSecretsFile } from '../secrets-file/edit.js'
import { existingEntry, type SecretsOptions } from '../secrets-file/locate.js'

/**
 * Deletes an entry. Needs no AWS.
 *
 * @throws KmsBuildError NAME_UNKNOWN, and what `editSecretsFile` throws.
 */
export const unsetSecret = (name: string, options: SecretsOptions = {}) =>
  editSecretsFile(options, 'ignore', (file) => {
    existingEntry(file, name)
    file.secrets.delete(name)
  })
