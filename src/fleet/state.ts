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
    const { fingerprint, mode, digest, suite } = secret
    if (mode === 'direct') return []
    const file = files.find(({ pairs }) => pairs.has(fingerprint ?? ''))
    const sealed = { fingerprint, ...(suite && { suite }) }
    if (!file) return [{ name: secret.name, state: 'foreign', ...sealed }]
    const name = secret.name ?? nameOf(file, digest)
    const state = stateIn(file, { ...secret, name })
    const replacedAt = state === 'current' ? undefined : dates.get(digest)
    return [{ name, state, ...sealed, secretsFile: file.path, ...(replacedAt && { replacedAt }) }]
  })
}

/** Returns the name of a token that stands apart from its name in minified code. */
function nameOf({ secrets }: SecretsFile, digest: string): string | null {
  for (const [name, token] of secrets) if (digestOf(token) === digest) return name
  return null
}

function stateIn(
  file: SecretsFile,
  { name, kind, fingerprint, digest }: InspectedSecret,
): SecretState {
  if (isStale(file, file.pairs.get(fingerprint!)!)) return 'earlier pair'
  if (kind !== 'named') return 'current'
  // No entry has this token: whatever the name was, the value is another one now.
  if (name === null) return 'stale'
  const token = file.secrets.get(name)
  if (!token) return 'missing'
  return digestOf(token) === digest ? 'current' : 'stale'
}
