import { entrySize } from '../secrets-file/entry-token.js'
import { existingSecretsFile, type SecretsOptions } from '../secrets-file/locate.js'
import { DEFAULT_SCOPE } from '../secrets-file/names.js'
import { isStale, pairOf } from '../secrets-file/scopes.js'
import type { SecretsFile } from '../secrets-file/types.js'

export interface ListedSecret {
  name: string
  /** The size of the plaintext, in bytes. */
  size: number
  fingerprint: string
  /** Sealed to an earlier data key pair than the current one of its scope. */
  stale: boolean
  /** Absent for the scope `default`. */
  scope?: string
}

/**
 * Returns the entries of a secrets file, sorted by name. Needs no AWS.
 *
 * @throws KmsBuildError SECRETS_FILE_MISSING, SECRETS_FILE_INVALID.
 */
export async function listSecrets(options: SecretsOptions = {}): Promise<ListedSecret[]> {
  return secretsOf(await existingSecretsFile(options))
}

/** Returns what `listSecrets` does, of a file that was read. */
export function secretsOf(file: SecretsFile): ListedSecret[] {
  return [...file.secrets.keys()].sort().map((name) => {
    const token = file.secrets.get(name)!
    const pair = pairOf(file, token)
    const { fingerprint, scope } = pair
    const secret = { name, size: entrySize(token), fingerprint, stale: isStale(file, pair) }
    return scope === DEFAULT_SCOPE ? secret : { ...secret, scope }
  })
}
