import { plaintextSize } from '../crypto/token.js'
import { existingSecretsFile, type SecretsOptions } from '../secrets-file/locate.js'
import { isStale, pairOf } from '../secrets-file/scopes.js'

export interface ListedSecret {
  name: string
  /** The size of the plaintext, in bytes. */
  size: number
  fingerprint: string
  /** Sealed to an earlier data key pair than the file's current one. */
  stale: boolean
}

/**
 * Returns the entries of a secrets file, sorted by name. Needs no AWS.
 *
 * @throws KmsBuildError SECRETS_FILE_MISSING, SECRETS_FILE_INVALID.
 */
export async function listSecrets(options: SecretsOptions = {}): Promise<ListedSecret[]> {
  const file = await existingSecretsFile(options)
  return [...file.secrets]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, token]) => ({
      name,
      size: plaintextSize(token),
      fingerprint: token.fingerprint,
      stale: isStale(file, pairOf(file, token)),
    }))
}
