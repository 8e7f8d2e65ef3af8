import { createHash } from 'node:crypto'
import { encodeToken, type Token } from '../crypto/token.js'
import { existingSecretsFile } from '../secrets-file/locate.js'
import { isStale } from '../secrets-file/scopes.js'
import type { InspectedSecret } from './assemble.js'

/** The comparison of a bundle with a secrets file. Names are names of secrets or places of literals. */
export interface SealedTo {
  path: string
  /** Whether every secret of the bundle is sealed to a pair of the file and equal to its entry. */
  agrees: boolean
  /** Sealed to a pair that the file does not have, for example of another stage. */
  foreign: string[]
  /** Sealed to an earlier pair of the file, or to a value that the file has replaced. */
  stale: string[]
  /** Entries that the bundle uses and the file no longer has. */
  missing: string[]
  /** Entries of the file that the bundle does not use. */
  unused: string[]
  /** Scopes of the pairs that the bundle uses, by fingerprint. */
  scopes: Record<string, string>
}

/** Compares a bundle with a secrets file. @throws KmsBuildError SECRETS_FILE_MISSING, SECRETS_FILE_INVALID. */
export async function compareWithSecretsFile(
  secrets: InspectedSecret[],
  secretsFile: string,
): Promise<SealedTo> {
  const file = await existingSecretsFile({ secretsFile })
  const { pairs, secrets: entries } = file
  const digests = new Map([...entries].map(([name, token]) => [name, digestOf(token)]))
  const sealed = secrets.filter(({ mode }) => mode === 'envelope')
  const isNamed = ({ kind, name }: InspectedSecret) => kind === 'named' && name !== null
  const named = sealed.filter(isNamed)
  const isKnown = ({ fingerprint }: InspectedSecret) => pairs.has(fingerprint!)
  const foreign = namesOf(sealed.filter((secret) => !isKnown(secret)))
  const missing = namesOf(named.filter(({ name }) => !entries.has(name!)))
  const stale = namesOf(
    sealed.filter(
      (secret) =>
        isKnown(secret) &&
        (isStale(file, pairs.get(secret.fingerprint!)!) ||
          (isNamed(secret) &&
            entries.has(secret.name!) &&
            digests.get(secret.name!) !== secret.digest)),
    ),
  )
  const used = new Set(named.map(({ name }) => name))
  return {
    path: secretsFile,
    agrees: !foreign.length && !stale.length && !missing.length,
    foreign,
    stale,
    missing,
    unused: [...entries.keys()].filter((name) => !used.has(name)).sort(),
    scopes: Object.fromEntries(
      [...pairs.values()].flatMap(({ fingerprint, scope }) =>
        sealed.some((secret) => secret.fingerprint === fingerprint) ? [[fingerprint, scope]] : [],
      ),
    ),
  }
}

/** Returns the SHA-256 of a token as a string, in hex, as inspections report it. */
export const digestOf = (token: Token): string =>
  createHash('sha256').update(encodeToken(token)).digest('hex')

const namesOf = (secrets: InspectedSecret[]) =>
  [...new Set(secrets.map(({ name }) => name ?? 'a token without a name'))].sort()
