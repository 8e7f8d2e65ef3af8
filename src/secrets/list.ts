import { decodeToken, type Token } from '../crypto/token.js'
import { existingSecretsFile, type SecretsOptions } from '../secrets-file/locate.js'

export interface ListedSecret {
  name: string
  /** Of the plaintext, in bytes. */
  size: number
  fingerprint: string
  /** Sealed to an earlier data key pair than the file's current one. */
  stale: boolean
}

const TAG = 16

/**
 * The entries of a secrets file, sorted by name. Needs no AWS.
 *
 * @throws KmsBuildError SECRETS_FILE_MISSING, SECRETS_FILE_INVALID.
 */
export async function listSecrets(options: SecretsOptions = {}): Promise<ListedSecret[]> {
  const { secrets, current } = await existingSecretsFile(options)
  return [...secrets]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, text]) => {
      const { fingerprint, ciphertext } = decodeToken(text) as Token
      return { name, size: ciphertext.length - TAG, fingerprint, stale: fingerprint !== current }
    })
}
