import { contextText } from '../crypto/data-key-pair.js'
import { KmsBuildError } from '../errors.js'
import type { OptionsResolved } from '../options/types.js'
import { readSecretsFile, type SecretsFile } from '../secrets-file/parse.js'
import { checkKeys, checkPins } from '../secrets-file/pins.js'
import { currentPair } from '../secrets-file/scopes.js'

/**
 * Reads the secrets file of a build and compares it with the options, before any source is read.
 *
 * @returns null if there is none and no option needs one.
 * @throws KmsBuildError SECRETS_FILE_MISSING, PIN_MISMATCH, SCOPE_UNKNOWN, OPTIONS_INVALID,
 *   and what
 *   `readSecretsFile` throws.
 */
export async function loadSecretsFile(options: OptionsResolved): Promise<SecretsFile | null> {
  const { path } = options.secretsFile
  const secretsFile = await readSecretsFile(path)
  if (!secretsFile) {
    const reason = reasonToNeedIt(options)
    if (reason) throw new KmsBuildError('SECRETS_FILE_MISSING', reason)
    return null
  }
  if (options.pins.length) checkPins(secretsFile, options.pins)
  checkKeys(secretsFile, options.keyIds)
  for (const scope of options.scopes) currentPair(secretsFile, scope)
  checkContext(secretsFile, options)
  return secretsFile
}

function reasonToNeedIt({ secretsFile: { path, required }, seed, pins, scopes }: OptionsResolved) {
  if (required)
    return `there is no secrets file ${path}. Make one with npx unplugin-kms init --key ID, or correct the option secretsFile.`
  if (seed)
    return `UNPLUGIN_KMS_SEED is set, but there is no secrets file ${path}: without one, each build creates its own data key pair, and no two builds are equal.`
  if (scopes.length) return `the option scopes is set but there is no secrets file ${path}.`
  if (pins.length) return `a pin is set but there is no secrets file ${path} to compare it with.`
  return null
}

function checkContext(
  file: SecretsFile,
  { encryptionContext: expected, scopes: [scope] }: OptionsResolved,
) {
  if (!expected) return
  if (contextText(expected) !== contextText(currentPair(file, scope).encryptionContext)) {
    throw new KmsBuildError(
      'OPTIONS_INVALID',
      `option encryptionContext and that of ${file.path} differ. They must be equal: remove the option.`,
    )
  }
}
