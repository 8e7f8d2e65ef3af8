import { execFileSync } from 'node:child_process'
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { publicKeyDigest, type DataKeyPair } from '../../src/crypto/data-key-pair.js'
import { resolveOptions } from '../../src/options/resolve-options.js'
import { existingSecretsFile } from '../../src/secrets-file/locate.js'
import { writeSecretsFile } from '../../src/secrets-file/serialize.js'
import { pinOf, trustStateOf } from '../../src/secrets-file/trust-state.js'
import { trustStorePath } from '../../src/secrets-file/trust-store.js'
import { prunePairs } from '../../src/secrets/prune.js'
import { setSecret } from '../../src/secrets/set.js'
import { KEY_ARN, localPair, project, secretsFile } from '../support/project.js'

beforeEach(async () => void vi.stubEnv('XDG_STATE_HOME', await project({})))
afterEach(() => void vi.unstubAllEnvs())

const fresh = async () => join(await project({}), 'kms-secrets.json')
const set = (path: string, options: { trust?: boolean } = {}) =>
  setSecret('A', 'a', { secretsFile: path, ...options })
const FOREIGN = 'arn:aws:kms:us-east-1:999999999999:key/99999999-9999-9999-9999-999999999999'

/** A secrets file whose state was trusted by a command. */
async function trusted() {
  const path = await fresh()
  const pair = await secretsFile(path, {})
  await set(path)
  return { path, pair }
}

/** Changes the JSON of a file as somebody with an editor does. */
async function edit(path: string, change: (file: any) => void) {
  const json = JSON.parse(await readFile(path, 'utf8'))
  change(json)
  await writeFile(path, JSON.stringify(json, null, 2))
}

const jsonOf = ({ publicKey, wrapped }: DataKeyPair) => ({
  publicKey: publicKey.toString('base64'),
  privateKeyCiphertextBlobs: wrapped,
})

const rejection = (work: Promise<unknown>) =>
  work.then(
    () => '',
    (error: Error) => error.message,
  )

describe('what can decrypt', () => {
  it('is remembered by the first command that seals, in a private folder', async () => {
    const { path, pair } = await trusted()
    expect(JSON.parse(await readFile(trustStorePath(), 'utf8'))).toEqual({
      [path]: {
        state: [
          {
            publicKey: publicKeyDigest(pair.publicKey),
            scope: 'default',
            current: true,
            keyArns: [KEY_ARN],
            encryptionContext: {},
          },
        ],
      },
    })
    expect((await stat(dirname(trustStorePath()))).mode & 0o777).toBe(0o700)
  })

  it('is rejected if a key ARN was added to the current pair', async () => {
    const { path, pair } = await trusted()
    await edit(path, (file) =>
      file.dataKeyPairs[pair.fingerprint].privateKeyCiphertextBlobs.push({
        keyId: FOREIGN,
        ciphertextBlob: 'AAAA',
      }),
    )
    const before = await readFile(path, 'utf8')
    const message = await rejection(set(path))
    expect(message).toContain('[PIN_MISMATCH]')
    expect(message).toContain(`+   key ${FOREIGN}`)
    expect(message).not.toContain(`+   key ${KEY_ARN}`)
    expect(await readFile(path, 'utf8')).toBe(before)
  })

  it('is rejected if a pair was added that is not current', async () => {
    const { path } = await trusted()
    const foreign = localPair(FOREIGN)
    await edit(path, (file) => (file.dataKeyPairs[foreign.fingerprint] = jsonOf(foreign)))
    expect(await rejection(set(path))).toContain(
      `+ data key pair ${publicKeyDigest(foreign.publicKey)}`,
    )
    // A later commit makes it current.
    await edit(path, (file) => (file.current = foreign.fingerprint))
    expect(await rejection(set(path))).toContain('+   new values are sealed to it')
  })

  it('is rejected if the encryption context was changed', async () => {
    const { path } = await trusted()
    await edit(path, (file) => (file.encryptionContext = { app: 'mallory' }))
    expect(await rejection(set(path))).toContain('+   encryption context {"app":"mallory"}')
  })

  it('is rejected if an earlier pair became current again', async () => {
    const { path, pair } = await trusted()
    const old = await readFile(path, 'utf8')
    const next = localPair()
    await edit(path, (file) => {
      file.dataKeyPairs[next.fingerprint] = jsonOf(next)
      file.current = next.fingerprint
    })
    await set(path, { trust: true })
    await edit(path, (file) => (file.current = pair.fingerprint))
    expect(await rejection(set(path))).toContain('+   new values are sealed to it')
    await writeFile(path, old)
    expect(await rejection(set(path))).toContain('+   new values are sealed to it')
  })

  it('is accepted without a question if a pair or a key was removed', async () => {
    const { path, pair } = await trusted()
    const two = { ...pair, wrapped: [...pair.wrapped, { keyId: FOREIGN, ciphertextBlob: 'AAAA' }] }
    const earlier = localPair()
    await edit(path, (file) => {
      file.dataKeyPairs[pair.fingerprint] = jsonOf(two)
      file.dataKeyPairs[earlier.fingerprint] = jsonOf(earlier)
    })
    await set(path, { trust: true })
    await edit(path, (file) => {
      delete file.dataKeyPairs[earlier.fingerprint]
      file.dataKeyPairs[pair.fingerprint] = jsonOf(pair)
    })
    await set(path)
    // What was removed is not trusted any more.
    await edit(path, (file) => (file.dataKeyPairs[pair.fingerprint] = jsonOf(two)))
    expect(await rejection(set(path))).toContain(`+   key ${FOREIGN}`)
  })

  it('is shown as a difference when --trust accepts it, and remembered', async () => {
    const { path } = await trusted()
    await edit(path, (file) => (file.encryptionContext = { app: 'orders' }))
    const { warnings } = await set(path, { trust: true })
    expect(warnings.join()).toContain('+   encryption context {"app":"orders"}')
    expect((await set(path)).warnings).toEqual([])
  })

  it('is rejected with the commit that changed it, and the file stays unchanged', async () => {
    const path = await fresh()
    const git = (...args: string[]) =>
      execFileSync('git', ['-c', 'user.name=Mallory', '-c', 'user.email=m@m', ...args], {
        cwd: dirname(path),
        stdio: 'pipe',
      })
    git('init', '-q')
    const old = await secretsFile(path, {})
    git('add', '.')
    git('commit', '-qm', 'first')
    await set(path)
    await rm(path)
    const swapped = await secretsFile(path, {})
    git('commit', '-qam', 'a harmless rotation')
    await edit(path, (file) => (file.$schema = 'x'))
    git('commit', '-qam', 'a later change')
    const before = await readFile(path, 'utf8')
    const message = await rejection(set(path))
    expect(message).toContain(`- data key pair ${publicKeyDigest(old.publicKey)}`)
    expect(message).toContain(`+ data key pair ${publicKeyDigest(swapped.publicKey)}`)
    expect(message).toMatch(/changed by: [0-9a-f]+, Mallory, \d{4}-\d\d-\d\d: a harmless rotation/)
    expect(await readFile(path, 'utf8')).toBe(before)
    await set(path, { trust: true })
    await set(path)
  })

  it('stays trusted for a command that was killed around its own change', async () => {
    const { path } = await trusted()
    const file = await existingSecretsFile({ secretsFile: path })
    const state = trustStateOf(file)
    const next = { ...localPair(), scope: 'default', recovery: [] }
    file.pairs.set(next.fingerprint, next)
    file.current.set('default', next)
    const record = { [path]: { state, next: trustStateOf(file) } }
    await writeFile(trustStorePath(), JSON.stringify(record))
    await set(path)
    await writeFile(trustStorePath(), JSON.stringify(record))
    await writeSecretsFile(file)
    await set(path)
    expect(JSON.parse(await readFile(trustStorePath(), 'utf8'))[path].next).toBeUndefined()
  })

  it('is remembered again after a command of ours changed it', async () => {
    const { path } = await trusted()
    const earlier = localPair()
    await edit(path, (file) => (file.dataKeyPairs[earlier.fingerprint] = jsonOf(earlier)))
    const options = { secretsFile: path, trust: true, paths: [], branches: false }
    expect((await prunePairs(options)).result.dropped).toEqual([earlier.fingerprint])
    expect((await set(path)).warnings).toEqual([])
  })

  it('is never guessed from a malformed state file', async () => {
    const { path } = await trusted()
    const before = await readFile(path, 'utf8')
    await writeFile(trustStorePath(), '{')
    expect(await rejection(set(path))).toContain('is not valid JSON')
    await rm(trustStorePath())
    await mkdir(trustStorePath())
    expect(await rejection(set(path))).toContain('cannot be read (EISDIR)')
    expect(await readFile(path, 'utf8')).toBe(before)
  })
})

describe('what version 0.1 remembered', () => {
  const legacy = async (path: string, ...pairs: DataKeyPair[]) => {
    const store = join(dirname(trustStorePath()), 'known-pins.json')
    await mkdir(dirname(store), { recursive: true })
    const pins = pairs.map(({ publicKey }) => publicKeyDigest(publicKey))
    await writeFile(store, JSON.stringify({ [path]: pins }))
  }

  it('covers the public keys, and the other keys are printed once', async () => {
    const path = await fresh()
    await legacy(path, await secretsFile(path, {}))
    const { warnings } = await set(path)
    expect(warnings.join()).toContain(`key ${KEY_ARN}`)
    expect((await set(path)).warnings).toEqual([])
    await edit(path, (file) => (file.encryptionContext = { app: 'mallory' }))
    expect(await rejection(set(path))).toContain('PIN_MISMATCH')
  })

  it('rejects an unknown pair, current or not', async () => {
    const path = await fresh()
    await legacy(path, await secretsFile(path, {}))
    const foreign = localPair(FOREIGN)
    await edit(path, (file) => (file.dataKeyPairs[foreign.fingerprint] = jsonOf(foreign)))
    expect(await rejection(set(path))).toContain('PIN_MISMATCH')
  })
})

describe('a pin', () => {
  it('in UNPLUGIN_KMS_PIN decides instead of what is remembered', async () => {
    const { path } = await trusted()
    await rm(path)
    await secretsFile(path, {})
    const pin = pinOf(trustStateOf(await existingSecretsFile({ secretsFile: path })))
    vi.stubEnv('UNPLUGIN_KMS_PIN', pin)
    await set(path)
    await edit(path, (file) => (file.encryptionContext = { app: 'mallory' }))
    const message = await rejection(set(path, { trust: true }))
    expect(message).toContain('PIN_MISMATCH')
    expect(message).toContain(pin)
  })

  it('of the option applies if UNPLUGIN_KMS_PIN is empty, as CI leaves what it lacks', () => {
    const pin = `sha256:${'0'.repeat(64)}`
    for (const UNPLUGIN_KMS_PIN of ['', ' ', undefined])
      expect(resolveOptions({ pin }, '/', { UNPLUGIN_KMS_PIN }).pins).toEqual([pin])
  })

  it('of version 0.1 is accepted for every public key, with a warning', async () => {
    const path = await fresh()
    const { publicKey } = await secretsFile(path, {})
    vi.stubEnv('UNPLUGIN_KMS_PIN', publicKeyDigest(publicKey))
    expect((await set(path)).warnings.join()).toContain('covers only the public keys')
    const foreign = localPair(FOREIGN)
    await edit(path, (file) => (file.dataKeyPairs[foreign.fingerprint] = jsonOf(foreign)))
    expect(await rejection(set(path))).toContain('PIN_MISMATCH')
  })

  it('is the same whatever the order of keys, context and pairs in the file', async () => {
    const path = await fresh()
    await secretsFile(path, {}, { ...localPair(), encryptionContext: { b: '2', a: '1' } })
    const pin = async () => pinOf(trustStateOf(await existingSecretsFile({ secretsFile: path })))
    const before = await pin()
    await edit(path, (file) => (file.encryptionContext = { a: '1', b: '2' }))
    expect(await pin()).toBe(before)
    await edit(path, (file) => (file.encryptionContext = { a: '1', b: '2', c: '' + 3 }))
    expect(await pin()).not.toBe(before)
  })
})
