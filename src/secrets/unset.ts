import { editSecretsFile } from './edit.js'
import { existingEntry, type SecretsOptions } from './options.js'

/**
 * Deletes an entry. Needs no AWS.
 *
 * @throws KmsBuildError NAME_UNKNOWN, and what `editSecretsFile` throws.
 */
export const unsetSecret = (name: string, options: SecretsOptions = {}) =>
  editSecretsFile(options, 'not sealing', (file) => {
    existingEntry(file, name)
    file.secrets.delete(name)
  })
