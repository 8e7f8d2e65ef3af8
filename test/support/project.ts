import { generateKeyPairSync } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { onTestFinished } from 'vitest'
import { fingerprintOf, type DataKeyPair } from '../../src/crypto/data-key-pair.js'
import { seal } from '../../src/crypto/seal.js'
import { newSecretsFile, writeSecretsFile } from '../../src/secrets-file/serialize.js'

/** A project of its own in a temporary folder, gone after the test. */
export async function project(files: Record<string, string | Uint8Array>): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'unplugin-kms-'))
  onTestFinished(() => rm(root, { recursive: true, force: true }))
  for (const [name, content] of Object.entries(files)) {
    const path = join(root, name)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, content)
  }
  return root
}

/** The files below a folder, by their path from there; none where there is no folder. */
export async function filesIn(folder: string): Promise<Record<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
  const files = entries.filter((entry) => entry.isFile())
  const read = files.map(async (entry) => {
    const path = join(entry.parentPath, entry.name)
    return [path.slice(folder.length + 1), await readFile(path, 'utf8')] as const
  })
  return Object.fromEntries(await Promise.all(read))
}

/** A key that is nobody's, for builds that never ask KMS. */
export const KEY_ARN = 'arn:aws:kms:us-east-1:111122223333:key/11111111-2222-3333-4444-555555555555'

export function localPair(keyId = KEY_ARN): DataKeyPair {
  const { publicKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { format: 'der', type: 'spki' },
    privateKeyEncoding: { format: 'der', type: 'pkcs8' },
  })
  const wrapped = [{ keyId, ciphertextBlob: Buffer.from('wrapped').toString('base64') }]
  return { fingerprint: fingerprintOf(publicKey), publicKey, wrapped, encryptionContext: {} }
}

/** Writes a secrets file with these entries, sealed to `pair`. */
export async function secretsFile(
  path: string,
  entries: Record<string, string>,
  pair = localPair(),
): Promise<DataKeyPair> {
  const file = newSecretsFile(path, pair)
  for (const [name, value] of Object.entries(entries)) {
    file.secrets.set(name, await seal(pair, 'named', Buffer.from(value), name))
  }
  await writeSecretsFile(file)
  return pair
}
