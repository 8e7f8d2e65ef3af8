import type { InspectedSecret } from '../inspect/assemble.js'
import { digestOf } from '../inspect/sealed-to.js'
import type { SecretsFile } from '../secrets-file/parse.js'
import { isStale } from '../secrets-file/scopes.js'
import type { FleetSecret, SecretState } from './types.js'

/**
 * Compares the secrets of a bundle with secrets files, by their tokens: nothing is decrypted.
 *
 * @param dates when tokens were replaced, by their SHA-256.
 */
export function statesOf(
  secrets: InspectedSecret[],
  files: SecretsFile[],
  dates: Map<string, string>,
): FleetSecret[] {
  return secrets.flatMap((secret): FleetSecret[] => {
    const { name, fingerprint, mode, digest } = secret
    if (mode === 'direct') return []
    const file = files.find(({ pairs }) => pairs.has(fingerprint ?? ''))
    if (!file) return [{ name, state: 'foreign', fingerprint }]
    const state = stateIn(file, secret)
    const replacedAt = state === 'current' ? undefined : dates.get(digest)
    return [{ name, state, fingerprint, secretsFile: file.path, ...(replacedAt && { replacedAt }) }]
  })
}

function stateIn(
  file: SecretsFile,
  { name, kind, fingerprint, digest }: InspectedSecret,
): SecretState {
  const isEarlier = isStale(file, file.pairs.get(fingerprint!)!)
  if (kind !== 'named' || name === null) return isEarlier ? 'earlier pair' : 'current'
  const token = file.secrets.get(name)
  if (!token) return 'missing'
  if (digestOf(token) === digest) return isEarlier ? 'earlier pair' : 'current'
  // After a rotation every token differs, and nobody sees whether the value is the same.
  return isEarlier ? 'earlier pair' : 'stale'
}
