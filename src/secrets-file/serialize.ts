import type { DataKeyPair } from '../crypto/data-key-pair.js'
import { encodeToken } from '../crypto/token.js'
import { replaceFile } from '../util/replace-file.js'
import { DEFAULT_SCOPE } from './names.js'
import type { SecretsFile } from './parse.js'
import { currentPair } from './scopes.js'

/** Returns a new file with one data key pair and no entries. */
export function newSecretsFile(
  path: string,
  pair: DataKeyPair,
  scope = DEFAULT_SCOPE,
): SecretsFile {
  const scoped = { ...pair, scope }
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

/** Returns the file's text: one entry per line, sorted, so that a change is one line of a diff. */
export function formatSecretsFile(file: SecretsFile): string {
  const { encryptionContext, fingerprint } = currentPair(file)
  const json = {
    ...(file.schema !== undefined && { $schema: file.schema }),
    version: 1,
    encryptionContext,
    current: fingerprint,
    dataKeyPairs: sorted(file.pairs, ({ publicKey, wrapped }) => ({
      publicKey: publicKey.toString('base64'),
      privateKeyCiphertextBlobs: wrapped,
    })),
    secrets: sorted(file.secrets, encodeToken),
  }
  return `${JSON.stringify(json, null, 2)}\n`
}

/** @throws KmsBuildError FILE_UNWRITABLE; the file is then unchanged. */
export const writeSecretsFile = (file: SecretsFile) =>
  replaceFile(file.path, formatSecretsFile(file))
