import { execFileSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { lstat, mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { EncryptCommand, KMSClient } from '@aws-sdk/client-kms'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { startLocalKms, type LocalKms } from '../../packages/local-kms/src/index.js'
import { fingerprintOf } from '../../src/crypto/data-key-pair.js'
import { createTypes } from '../../src/secrets-file/typings.js'
import { existingSecretsFile } from '../../src/secrets-file/locate.js'
import { mergeSecretsFiles } from '../../src/secrets-file/merge.js'
import { decryptSources } from '../../src/secrets/decrypt.js'
import { getSecret } from '../../src/secrets/get.js'
import { initSecretsFile } from '../../src/secrets/init.js'
import { listKeys } from '../../src/secrets/keys.js'
import { installMergeDriver } from '../../src/secrets/merge-driver.js'
import { prunePairs } from '../../src/secrets/prune.js'
import { rewrapSecrets } from '../../src/secrets/rewrap.js'
import { rotateSecrets } from '../../src/secrets/rotate.js'
import { setSecret } from '../../src/secrets/set.js'
import { BUNDLERS } from '../support/bundle.js'
import { project } from '../support/project.js'

const SOURCE = `import { secret } from 'unplugin-kms/secret'\nexport const a = secret.named('A')\n`

let kms: LocalKms
/** The user's key, and one that Mallory owns. The user may call both. */
let key: string
let mallory: string
beforeAll(async () => {
  kms = await startLocalKms()
  key = (await kms.createKey()).arn
  mallory = (await kms.createKey()).arn
})
afterAll(() => kms.close())
beforeEach(async () => void vi.stubEnv('XDG_STATE_HOME', await project({})))
afterEach(() => void vi.unstubAllEnvs())

const aws = () => ({ endpoint: kms.url, region: kms.region, credentials: kms.admin.credentials })

/** A project whose secrets file has one entry, and is trusted. */
async function victim(extra: { scope?: string } = {}) {
  const root = await project({ 'src/main.ts': SOURCE, 'package.json': '{}' })
  const secretsFile = join(root, 'kms-secrets.json')
  const options = { secretsFile, aws: aws() }
  const made = await initSecretsFile({
    ...options,
    keyIds: [key],
    encryptionContext: { app: 'shop' },
    types: false,
    ...extra,
  })
  await setSecret('A', 'the value of A', options)
  return { root, options, secretsFile, pin: made.pin, fingerprint: made.fingerprint }
}

/** Adds the scope billing to a project. */
const addBilling = (options: { secretsFile: string; aws: ReturnType<typeof aws> }) =>
  initSecretsFile({
    ...options,
    keyIds: [key],
    scope: 'billing',
    encryptionContext: { app: 'shop', scope: 'billing' },
    types: false,
  })

/** Changes a file as a pull request does. */
async function edit(path: string, change: (file: any) => unknown) {
  const json = JSON.parse(await readFile(path, 'utf8'))
  change(json)
  await writeFile(path, `${JSON.stringify(json, null, 2)}\n`)
}

const wrapUnder = async (keyId: string, bytes: Uint8Array, context = { app: 'shop' }) => {
  const client = new KMSClient({ ...aws() })
  const answer = await client.send(
    new EncryptCommand({ KeyId: keyId, Plaintext: bytes, EncryptionContext: context }),
  )
  return { keyId, ciphertextBlob: Buffer.from(answer.CiphertextBlob!).toString('base64') }
}

/** A pair of Mallory's, wrapped under a key. */
async function foreignPair(keyId = mallory) {
  const { publicKey, privateKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { format: 'der', type: 'spki' },
    privateKeyEncoding: { format: 'der', type: 'pkcs8' },
  })
  return {
    fingerprint: fingerprintOf(publicKey),
    json: {
      publicKey: publicKey.toString('base64'),
      privateKeyCiphertextBlobs: [await wrapUnder(keyId, privateKey)],
    },
  }
}

const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'succeeded',
    (error: { code?: string }) => error.code ?? String(error),
  )
const build = (root: string, options: object = {}) => BUNDLERS[0]!.bundle({ root, options })

/** The build's error, whose message esbuild contains in its own. */
const buildError = (root: string, options: object) =>
  build(root, options).then(
    () => 'succeeded',
    (error: Error) => /\[([A-Z_]+)\]/.exec(error.message)?.[1] ?? error.message,
  )

/** Forgets what was trusted, as a machine that never ran a command. */
const onNewMachine = async () => void vi.stubEnv('XDG_STATE_HOME', await project({}))

describe('a KMS key that a pull request added', () => {
  it.each(['AAAA', 'the blob of the present key'])(
    'with %s is rejected by set, list, a pinned build, rotate and rewrap',
    async (what) => {
      const { root, options, secretsFile, pin, fingerprint } = await victim()
      await edit(secretsFile, ({ dataKeyPairs: { [fingerprint]: pair } }) => {
        const [{ ciphertextBlob }] = pair.privateKeyCiphertextBlobs
        pair.privateKeyCiphertextBlobs.push({
          keyId: mallory,
          ciphertextBlob: what === 'AAAA' ? what : ciphertextBlob,
        })
      })
      const before = await readFile(secretsFile, 'utf8')
      expect(await codeOf(setSecret('B', 'b', options))).toBe('PIN_MISMATCH')
      expect(await listKeys(options)).toMatchObject({ trusted: false })
      expect(await buildError(root, { pin })).toBe('PIN_MISMATCH')
      expect(await codeOf(rotateSecrets(options))).toBe('PIN_MISMATCH')
      const context = { encryptionContext: { app: 'new' } }
      expect(await codeOf(rewrapSecrets({ ...options, ...context }))).toBe('PIN_MISMATCH')
      expect(await codeOf(prunePairs({ ...options, paths: [] }))).toBe('PIN_MISMATCH')
      expect(await readFile(secretsFile, 'utf8')).toBe(before)
    },
  )

  it('gets no private key, even without a trusted state or with --trust', async () => {
    const { options, secretsFile, fingerprint } = await victim()
    const junk = await wrapUnder(mallory, Buffer.from('no private key'))
    for (const blob of [{ keyId: mallory, ciphertextBlob: 'AAAA' }, junk]) {
      await edit(secretsFile, ({ dataKeyPairs: { [fingerprint]: pair } }) =>
        pair.privateKeyCiphertextBlobs.splice(1, 1, blob),
      )
      await onNewMachine()
      const wrapped: string[] = []
      const onWrap = (_: string, keyIds: string[]) => void wrapped.push(...keyIds)
      expect(await codeOf(rotateSecrets({ ...options, trust: true, onWrap }))).toBe('KEY_UNPROVEN')
      expect(wrapped).toEqual([])
    }
  })

  it('gets from rewrap only what its own CiphertextBlob contains', async () => {
    const { options, secretsFile, fingerprint } = await victim()
    const junk = await wrapUnder(mallory, Buffer.from('no private key'))
    await edit(secretsFile, ({ dataKeyPairs: { [fingerprint]: pair } }) =>
      pair.privateKeyCiphertextBlobs.push(junk),
    )
    await onNewMachine()
    const context = { app: 'new' }
    await rewrapSecrets({ ...options, encryptionContext: context })
    const file = await existingSecretsFile(options)
    const [, theirs] = file.pairs.get(fingerprint)!.wrapped
    const { kmsOpeningCalls } = await import('../../src/aws/kms-decrypt.js')
    const plaintext = await kmsOpeningCalls(aws()).decrypt(theirs!, context)
    expect(plaintext.toString()).toBe('no private key')
    expect(Buffer.from(await getSecret('A', options)).toString()).toBe('the value of A')
  })

  it('is listed before a private key is wrapped under it', async () => {
    const { options } = await victim()
    const wrapped: [string, string[], number][] = []
    const onWrap = (scope: string, keyIds: string[]) =>
      void wrapped.push([scope, keyIds, kms.journal.filter(isWrapping).length])
    const isWrapping = ({ operation }: { operation: string }) =>
      /^(GenerateDataKeyPair|ReEncrypt|Encrypt)/.test(operation)
    const before = kms.journal.filter(isWrapping).length
    await rotateSecrets({ ...options, onWrap })
    expect(wrapped).toEqual([['default', [key], before]])
    await rewrapSecrets({ ...options, keyIds: [mallory], onWrap })
    expect(wrapped.slice(1).map(([, keyIds]) => keyIds)).toEqual([[mallory], [mallory]])
  })
})

describe('a data key pair that a pull request added', () => {
  it('is rejected before and after a later commit makes it current', async () => {
    const { root, options, secretsFile, pin } = await victim()
    const { fingerprint, json } = await foreignPair(key)
    await edit(secretsFile, (file) => (file.dataKeyPairs[fingerprint] = json))
    for (const change of [() => {}, (file: any) => (file.current = fingerprint)]) {
      await edit(secretsFile, change)
      expect(await codeOf(setSecret('B', 'b', options))).toBe('PIN_MISMATCH')
      expect(await codeOf(rotateSecrets(options))).toBe('PIN_MISMATCH')
      expect(await buildError(root, { pin })).toBe('PIN_MISMATCH')
    }
  })

  it('never gets into the pin that rotate prints', async () => {
    const { options, secretsFile, root } = await victim()
    const rotated = await rotateSecrets(options)
    const { fingerprint, json } = await foreignPair(key)
    await edit(secretsFile, (file) => (file.dataKeyPairs[fingerprint] = json))
    for (const pin of rotated.pins) expect(await buildError(root, { pin })).toBe('PIN_MISMATCH')
    expect(await buildError(root, { pin: rotated.pins })).toBe('PIN_MISMATCH')
  })

  it('is rejected after a merge that took it from a branch', async () => {
    const { options, secretsFile, root, pin } = await victim()
    const base = await readFile(secretsFile, 'utf8')
    const { fingerprint, json } = await foreignPair(key)
    await edit(secretsFile, (file) => (file.dataKeyPairs[fingerprint] = json))
    const theirs = await readFile(secretsFile, 'utf8')
    await writeFile(secretsFile, base)
    await setSecret('OURS', 'ours', options)
    const ours = await readFile(secretsFile, 'utf8')
    const merged = mergeSecretsFiles(base, ours, theirs, secretsFile)
    expect(merged.conflicts).toEqual([])
    await writeFile(secretsFile, merged.text)
    expect(await codeOf(setSecret('B', 'b', options))).toBe('PIN_MISMATCH')
    expect(await buildError(root, { pin })).toBe('PIN_MISMATCH')
  })

  it('is rejected in a file that is checked out from a branch', async () => {
    const { root, options, secretsFile } = await victim()
    const git = (...args: string[]) =>
      execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', ...args], { cwd: root })
    git('init', '-qb', 'main')
    git('add', '.')
    git('commit', '-qm', 'one')
    git('checkout', '-qb', 'theirs')
    const { fingerprint, json } = await foreignPair(key)
    await edit(secretsFile, (file) => {
      file.dataKeyPairs = { [fingerprint]: json }
      file.current = fingerprint
      file.secrets = {}
    })
    git('commit', '-qam', 'rotate')
    expect(await codeOf(setSecret('A', 'another value', options))).toBe('PIN_MISMATCH')
    git('checkout', '-q', 'main')
    expect(await codeOf(setSecret('A', 'another value', options))).toBe('succeeded')
  })
})

describe('a file that was reverted to an older state', () => {
  it('is rejected if the branch had the rotation, and allowed if it never had', async () => {
    const { root, options, secretsFile, pin } = await victim()
    const git = (...args: string[]) =>
      execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', ...args], { cwd: root })
    git('init', '-qb', 'main')
    git('add', '.')
    git('commit', '-qm', 'one')
    git('branch', 'feature')
    const old = await readFile(secretsFile, 'utf8')
    const rotated = await rotateSecrets(options)
    git('commit', '-qam', 'rotate')
    await writeFile(secretsFile, old)
    expect(await codeOf(setSecret('B', 'b', options))).toBe('PIN_MISMATCH')
    git('commit', '-qam', 'Revert "rotate"')
    expect(await codeOf(setSecret('B', 'b', options))).toBe('PIN_MISMATCH')
    // Once the earlier pin is dropped, no build takes it either.
    expect(await buildError(root, { pin: rotated.pin })).toBe('PIN_MISMATCH')
    expect(await buildError(root, { pin })).toBe('succeeded')
    git('checkout', '-q', 'feature')
    const { warnings } = await setSecret('B', 'b', options)
    expect(warnings.join()).toContain('rotated on another branch')
    git('stash', '-q')
    git('checkout', '-q', 'main')
    expect(await codeOf(setSecret('B', 'b', options))).toBe('PIN_MISMATCH')
  })

  it('with a pruned pair is a file with a new pair', async () => {
    const { options, secretsFile } = await victim()
    const old = await readFile(secretsFile, 'utf8')
    await rotateSecrets(options)
    await prunePairs({ ...options, paths: [], branches: false })
    await writeFile(secretsFile, old)
    expect(await codeOf(setSecret('B', 'b', options))).toBe('PIN_MISMATCH')
  })
})

describe('scopes', () => {
  it('an entry that was moved to another scope is not set there without --scope', async () => {
    const { options, secretsFile } = await victim()
    await addBilling(options)
    await setSecret('STRIPE', 'live', { ...options, scope: 'billing' })
    await setSecret('DECOY', 'decoy', options)
    expect(await codeOf(setSecret('STRIPE', 'newer', options))).toBe('SCOPE_MISMATCH')
    expect(await codeOf(setSecret('A', 'x', { ...options, scope: 'billing' }))).toBe('succeeded')
    expect(await codeOf(setSecret('A', 'x', options))).toBe('SCOPE_MISMATCH')
    // A token that is copied to another name does not open.
    await edit(secretsFile, (file) => (file.secrets.STRIPE = file.secrets.DECOY))
    expect(await codeOf(getSecret('STRIPE', options))).toBe('OPEN_FAILED')
  })

  it('a pair that was moved to another scope is rejected', async () => {
    const { options, secretsFile, root } = await victim()
    const { fingerprint, pin } = await addBilling(options)
    await edit(secretsFile, (file) => {
      const next = structuredClone(file.scopes.billing)
      file.scopes = { web: next }
      file.dataKeyPairs[fingerprint].scope = 'web'
    })
    expect(await codeOf(setSecret('B', 'b', options))).toBe('PIN_MISMATCH')
    expect(await buildError(root, { pin })).toBe('PIN_MISMATCH')
  })

  it('a scope that was added is rejected', async () => {
    const { options, secretsFile, root, pin } = await victim()
    const { fingerprint, json } = await foreignPair()
    await edit(secretsFile, (file) => {
      file.version = 2
      file.scopes = { web: { encryptionContext: { app: 'shop' }, current: fingerprint } }
      file.dataKeyPairs[fingerprint] = { ...json, scope: 'web' }
    })
    expect(await codeOf(setSecret('B', 'b', options))).toBe('PIN_MISMATCH')
    expect(await codeOf(addBilling(options))).toBe('PIN_MISMATCH')
    expect(await buildError(root, { pin })).toBe('PIN_MISMATCH')
  })

  it('a context that another scope has is rejected', async () => {
    const { options, secretsFile } = await victim()
    const shared = { ...options, scope: 'web', keyIds: [key], encryptionContext: { app: 'shop' } }
    const before = await readFile(secretsFile, 'utf8')
    expect(await codeOf(initSecretsFile(shared))).toBe('OPTIONS_INVALID')
    expect(await readFile(secretsFile, 'utf8')).toBe(before)
    await addBilling(options)
    const moved = rewrapSecrets({
      ...options,
      scope: 'billing',
      encryptionContext: { app: 'shop' },
    })
    expect(await codeOf(moved)).toBe('OPTIONS_INVALID')
    const both = rewrapSecrets({ ...options, encryptionContext: { app: 'both' } })
    expect(await codeOf(both)).toBe('OPTIONS_INVALID')
  })
})

describe('a symbolic link that points out of the project', () => {
  const outside = async (root: string, name: string, content = 'precious\n') => {
    const target = join(await project({ precious: content }), 'precious')
    await symlink(target, join(root, name))
    return target
  }

  it('is not written through by a build or a command, for the declaration of names', async () => {
    const { root, options } = await victim()
    const target = await outside(root, 'kms-secrets.d.ts')
    await build(root)
    expect(await readFile(target, 'utf8')).toBe('precious\n')
    const { warnings } = await setSecret('B', 'b', options)
    expect(warnings.join()).toContain('symbolic link')
    const { warnings: others } = await createTypes(await existingSecretsFile(options))
    await writeFile(join(root, 'tsconfig.json'), '{}')
    expect(
      [...others, ...(await createTypes(await existingSecretsFile(options))).warnings].join(),
    ).toContain('symbolic link')
    expect(await readFile(target, 'utf8')).toBe('precious\n')
  })

  it('is not written through for .gitattributes, a manifest or a source', async () => {
    const { root, options, secretsFile } = await victim()
    execFileSync('git', ['init', '-q'], { cwd: root })
    const attributes = await outside(root, '.gitattributes')
    expect(await codeOf(installMergeDriver(secretsFile))).toBe('FILE_UNWRITABLE')
    const manifest = await outside(root, 'manifest.json')
    await build(root, { manifest: join(root, 'manifest.json') }).catch(() => {})
    const literal = `import { secret } from 'unplugin-kms/secret'\nsecret('a literal')\n`
    const source = await outside(root, 'linked.ts', literal)
    const { encryptSources } = await import('../../src/secrets/encrypt.js')
    expect(await codeOf(encryptSources([join(root, 'linked.ts')], options))).toBe('FILE_UNWRITABLE')
    expect(await readFile(source, 'utf8')).toBe(literal)
    expect(await codeOf(decryptSources([join(root, 'linked.ts')], options))).toBe('succeeded')
    for (const path of [attributes, manifest])
      expect(await readFile(path, 'utf8')).toBe('precious\n')
  })

  it('inside the folder stays a link, and is written through', async () => {
    const { root, options } = await victim()
    await mkdir(join(root, 'types'))
    await writeFile(join(root, 'types/names.d.ts'), '')
    await symlink(join(root, 'types/names.d.ts'), join(root, 'kms-secrets.d.ts'))
    expect((await setSecret('B', 'b', options)).warnings).toEqual([])
    expect((await lstat(join(root, 'kms-secrets.d.ts'))).isSymbolicLink()).toBe(true)
    expect(await readFile(join(root, 'types/names.d.ts'), 'utf8')).toContain('"B": true')
    expect(dirname(options.secretsFile)).toBe(root)
  })
})
