import { randomBytes } from 'node:crypto'
import { open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { DataKeyPair } from './data-key-pair.js'
import type { SecretsFile } from './secrets-file.js'

/** A new file with one data key pair and no entries. */
export const newSecretsFile = (path: string, pair: DataKeyPair): SecretsFile => ({
  path,
  encryptionContext: pair.encryptionContext,
  current: pair.fingerprint,
  pairs: new Map([[pair.fingerprint, pair]]),
  secrets: new Map(),
})

/** The file's text: one entry a line, sorted, so that a change is one line of a diff. */
export function formatSecretsFile({ encryptionContext, current, pairs, secrets }: SecretsFile): string {
  const sorted = <T>(map: Map<string, T>) =>
    Object.fromEntries([...map].sort(([a], [b]) => (a < b ? -1 : 1)))
  const dataKeyPairs = new Map(
    [...pairs].map(([fingerprint, { publicKey, wrapped }]) => [
      fingerprint,
      { publicKey: publicKey.toString('base64'), privateKeyCiphertextBlobs: wrapped },
    ]),
  )
  const file = { version: 1, encryptionContext, current, dataKeyPairs: sorted(dataKeyPairs), secrets: sorted(secrets) }
  return `${JSON.stringify(file, null, 2)}\n`
}

/** Replaces the file in one step: whoever reads it sees the old one or the new one, whole. */
export async function writeSecretsFile(file: SecretsFile): Promise<void> {
  const temporary = `${file.path}.${randomBytes(6).toString('hex')}.tmp`
  try {
    const handle = await open(temporary, 'wx')
    try {
      await handle.writeFile(formatSecretsFile(file))
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(temporary, file.path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
  const folder = await open(dirname(file.path))
  await folder.sync().finally(() => folder.close())
}
