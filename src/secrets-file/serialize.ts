import type { DataKeyPair } from '../crypto/data-key-pair.js'
import { replaceFile } from '../util/replace-file.js'
import type { SecretsFile } from './parse.js'

/** A new file with one data key pair and no entries. */
export const newSecretsFile = (path: string, pair: DataKeyPair): SecretsFile => ({
  path,
  encryptionContext: pair.encryptionContext,
  current: pair.fingerprint,
  pairs: new Map([[pair.fingerprint, pair]]),
  secrets: new Map(),
})

/** The file's text: one entry a line, sorted, so that a change is one line of a diff. */
export function formatSecretsFile({
  schema,
  encryptionContext,
  current,
  pairs,
  secrets,
}: SecretsFile): string {
  const sorted = <T>(map: Map<string, T>) =>
    Object.fromEntries([...map].sort(([a], [b]) => (a < b ? -1 : 1)))
  const dataKeyPairs = new Map(
    [...pairs].map(([fingerprint, { publicKey, wrapped }]) => [
      fingerprint,
      { publicKey: publicKey.toString('base64'), privateKeyCiphertextBlobs: wrapped },
    ]),
  )
  const file = {
    ...(schema !== undefined && { $schema: schema }),
    version: 1,
    encryptionContext,
    current,
    dataKeyPairs: sorted(dataKeyPairs),
    secrets: sorted(secrets),
  }
  return `${JSON.stringify(file, null, 2)}\n`
}

/** @throws KmsBuildError FILE_UNWRITABLE; the file is then as it was. */
export const writeSecretsFile = (file: SecretsFile) =>
  replaceFile(file.path, formatSecretsFile(file))
