import type { DataKeyPair } from '../crypto/data-key-pair.js'
import { replaceFile } from '../util/replace-file.js'
import { entryText } from './entry-token.js'
import { DEFAULT_SCOPE } from './names.js'
import type { RecoveryCopy, ScopedPair, SecretsFile } from './types.js'
import { versionOf } from './scopes.js'

/** Returns a new file with one data key pair and no entries. */
export function newSecretsFile(
  path: string,
  pair: DataKeyPair & { recovery?: RecoveryCopy[] },
  scope = DEFAULT_SCOPE,
): SecretsFile {
  const scoped = { ...pair, scope, recovery: pair.recovery ?? [] }
  return {
    path,
    current: new Map([[scope, scoped]]),
    pairs: new Map([[pair.fingerprint, scoped]]),
    secrets: new Map(),
  }
}

/** Returns an object with the map's values, transformed, sorted by key. */
const sorted = <T, U>(map: Map<string, T>, transform: (value: T) => U) =>
  Object.fromEntries(
    [...map].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, value]) => [key, transform(value)]),
  )

const headOf = ({ encryptionContext, fingerprint }: ScopedPair) => ({
  encryptionContext,
  current: fingerprint,
})

/**
 * Returns the file's text: one entry per line, sorted, so that a change is one line of a diff. A file
 * that uses nothing new has version 1, so that earlier releases read it.
 */
export function formatSecretsFile(file: SecretsFile): string {
  const { schema, current, pairs, secrets } = file
  const main = current.get(DEFAULT_SCOPE)
  const others = new Map([...current].filter(([scope]) => scope !== DEFAULT_SCOPE))
  const json = {
    ...(schema !== undefined && { $schema: schema }),
    version: versionOf(file),
    ...(main && headOf(main)),
    ...(others.size && { scopes: sorted(others, headOf) }),
    dataKeyPairs: sorted(pairs, ({ scope, publicKey, wrapped, recovery }) => ({
      ...(scope !== DEFAULT_SCOPE && { scope }),
      publicKey: publicKey.toString('base64'),
      privateKeyCiphertextBlobs: wrapped,
      ...(recovery.length && { recovery }),
    })),
    secrets: sorted(secrets, entryText),
  }
  return `${JSON.stringify(json, null, 2)}\n`
}

/** @throws KmsBuildError FILE_UNWRITABLE; the file is then unchanged. */
export const writeSecretsFile = (file: SecretsFile) =>
  replaceFile(file.path, formatSecretsFile(file), 'follow links')
