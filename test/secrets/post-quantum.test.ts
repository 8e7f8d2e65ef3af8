import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import {
  DataKeyPairSpec,
  GenerateDataKeyPairWithoutPlaintextCommand,
  KMSClient,
} from '@aws-sdk/client-kms'
import { generateHybridIdentity, generateX25519Identity, identityToRecipient } from 'age-encryption'
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  it,
  onTestFinished,
  vi,
} from 'vitest'
import { startLocalKms, type LocalKms } from '../../packages/local-kms/src/index.js'
import { mergeSecretsFiles } from '../../src/secrets-file/merge.js'
import { parseSecretsFile } from '../../src/secrets-file/parse.js'
import { decryptSources } from '../../src/secrets/decrypt.js'
import { encryptSources } from '../../src/secrets/encrypt.js'
import { getSecret } from '../../src/secrets/get.js'
import { initSecretsFile } from '../../src/secrets/init.js'
import { listKeys } from '../../src/secrets/keys.js'
import { rewrapSecrets } from '../../src/secrets/rewrap.js'
import { rotateSecrets } from '../../src/secrets/rotate.js'
import { sealToken } from '../../src/secrets/seal-token.js'
import { setSecret } from '../../src/secrets/set.js'
import { setToken } from '../../src/secrets/set-token.js'
import { BUNDLERS } from '../support/bundle.js'
import { project } from '../support/project.js'

let kms: LocalKms
let key: string
beforeAll(async () => {
  kms = await startLocalKms()
  key = (await kms.createKey()).arn
})
afterAll(() => kms.close())
beforeEach(async () => void vi.stubEnv('XDG_STATE_HOME', await project({})))
afterEach(() => void vi.unstubAllEnvs())

const aws = () => ({
  endpoint: kms.url,
  region: kms.region,
  credentials: kms.admin.credentials,
})
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString()

async function newFile(postQuantum = true, root?: string) {
  const folder = root ?? (await project({ 'package.json': '{}' }))
  const options = { secretsFile: join(folder, 'kms-secrets.json'), aws: aws() }
  const made = await initSecretsFile({
    ...options,
    keyIds: [key],
    encryptionContext: { app: 'shop' },
    types: false,
    postQuantum,
  })
  return { folder, options, made }
}
const jsonOf = async (path: string) => JSON.parse(await readFile(path, 'utf8'))

describe('a secrets file with an ML-KEM pair', () => {
  it('is not sealed to if its pair was exchanged for another ML-KEM pair', async () => {
    const [own, other] = [await newFile(), await newFile()]
    const seal = async ({ options }: typeof own) =>
      sealToken('x', { secretsFile: await jsonOf(options.secretsFile), pin: own.made.pin })
    expect(await seal(own)).toMatch(/^kms:v2:/)
    await expect(seal(other)).rejects.toMatchObject({ code: 'PIN_MISMATCH' })
  })

  it('has version 3, a pair that KMS made, and entries of version 2', async () => {
    const { options } = await newFile()
    await setSecret('DB', 'hunter2', options)
    const json = await jsonOf(options.secretsFile)
    expect(json.version).toBe(3)
    expect(json.secrets.DB).toMatch(/^kms:v2:/)
    expect(text(await getSecret('DB', options))).toBe('hunter2')
  })

  it('is rejected if its version is that of a file without such pairs', async () => {
    const { options } = await newFile()
    const source = await readFile(options.secretsFile, 'utf8')
    for (const version of [1, 2])
      expect(() =>
        parseSecretsFile(source.replace('"version": 3', `"version": ${version}`), 'f'),
      ).toThrow('its content is of version 3')
    const classical = await newFile(false)
    const other = await readFile(classical.options.secretsFile, 'utf8')
    expect(() => parseSecretsFile(other.replace('"version": 1', '"version": 3'), 'f')).toThrow(
      'its content is of version 1',
    )
  })

  it('takes tokens that others seal to it', async () => {
    const { options } = await newFile()
    const secretsFile = await readFile(options.secretsFile, 'utf8')
    const token = await sealToken('hunter2', { secretsFile, name: 'DB' })
    await setToken('DB', token, options)
    expect(text(await getSecret('DB', options))).toBe('hunter2')
  })

  it.each([
    [true, 'P-256', 'ML-KEM-1024'],
    [false, 'ML-KEM-1024', 'P-256'],
  ])(
    'rejects, as one of P-256 does, tokens of the other suite under its fingerprint',
    async (postQuantum, foreignSuite, suite) => {
      const [own, other] = [await newFile(postQuantum), await newFile(!postQuantum)]
      const [source, otherSource] = await Promise.all(
        [own, other].map(({ options }) => readFile(options.secretsFile, 'utf8')),
      )
      const foreign = await sealToken('x', { secretsFile: otherSource!, name: 'DB' })
      const bytes = Buffer.from(foreign.slice(7), 'base64url')
      Buffer.from(own.made.fingerprint, 'hex').copy(bytes, 1)
      const token = foreign.slice(0, 7) + bytes.toString('base64url')
      const altered = source!.replace('"secrets": {}', `"secrets": { "DB": "${token}" }`)
      expect(altered).toContain(token)
      expect(() => parseSecretsFile(altered, 'f').secrets.get('DB')).toThrow(
        `is a token of ${foreignSuite}, and its data key pair is of ${suite}.`,
      )
      const rejected = { code: 'TOKEN_INVALID', message: expect.stringContaining('was altered') }
      await expect(setToken('DB', token, own.options)).rejects.toMatchObject(rejected)
      // The kind of a literal in a source.
      bytes[0] = 1
      const literal = `kms:v${postQuantum ? 1 : 2}:${bytes.toString('base64url')}`
      await expect(build(own.folder, literal)).rejects.toThrow(/was altered.*\[TOKEN_INVALID\]/)
    },
  )

  it('opens after a rewrap to another key and context, and with the recovery copy', async () => {
    const { options } = await newFile()
    await setSecret('DB', 'hunter2', options)
    const { arn } = await kms.createKey()
    await rewrapSecrets({ ...options, keyIds: [arn], encryptionContext: { app: 'new' } })
    expect(text(await getSecret('DB', options))).toBe('hunter2')
    const { dataKeyPairs } = await jsonOf(options.secretsFile)
    const [{ privateKeyCiphertextBlobs }] = Object.values(dataKeyPairs) as [
      { privateKeyCiphertextBlobs: { keyId: string }[] },
    ]
    expect(privateKeyCiphertextBlobs).toMatchObject([{ keyId: arn }])
  })

  it('is created locally for unrelated keys, each of which opens it', async () => {
    const folder = await project({ 'package.json': '{}' })
    const options = { secretsFile: join(folder, 'kms-secrets.json'), aws: aws() }
    const other = await kms.createKey()
    await initSecretsFile({
      ...options,
      keyIds: [key, other.arn],
      types: false,
      postQuantum: true,
    })
    await setSecret('DB', 'hunter2', options)
    const source = await readFile(options.secretsFile, 'utf8')
    for (const [kept, removed] of [
      [key, other.arn],
      [other.arn, key],
    ]) {
      const json = JSON.parse(source)
      for (const pair of Object.values(json.dataKeyPairs) as any[])
        pair.privateKeyCiphertextBlobs = pair.privateKeyCiphertextBlobs.filter(
          ({ keyId }: { keyId: string }) => keyId !== removed,
        )
      await writeFile(options.secretsFile, JSON.stringify(json))
      expect(text(await getSecret('DB', { ...options, trust: true }))).toBe('hunter2')
      expect(kept).not.toBe(removed)
    }
  })

  it('seals and opens literals in sources', async () => {
    const { folder, options } = await newFile()
    const source = `import { secret } from 'unplugin-kms/secret'\nexport const a = secret('hunter2')\n`
    const file = join(folder, 'a.ts')
    await writeFile(file, source)
    await encryptSources([file], options)
    expect(await readFile(file, 'utf8')).toMatch(/secret\('kms:v2:[\w-]+'\)/)
    await decryptSources([file], options)
    expect(await readFile(file, 'utf8')).toBe(source)
  })
})

/** Builds a module with a sealed literal. */
async function build(root: string, token: string) {
  const source = `import { secret } from 'unplugin-kms/secret'\nexport const a = secret('${token}')\n`
  await mkdir(join(root, 'src'))
  await writeFile(join(root, 'src/main.ts'), source)
  return BUNDLERS[0]!.bundle({ root })
}

describe('rotate', () => {
  it('moves a file to ML-KEM and back, and keeps the suite otherwise', async () => {
    const { options } = await newFile(false)
    await setSecret('DB', 'hunter2', options)
    const versions: unknown[] = []
    for (const postQuantum of [undefined, true, undefined, false]) {
      await rotateSecrets({ ...options, ...(postQuantum !== undefined && { postQuantum }) })
      const { secrets, current, dataKeyPairs } = await jsonOf(options.secretsFile)
      versions.push([secrets.DB.slice(0, 6), dataKeyPairs[current].publicKey.length])
      expect(text(await getSecret('DB', options))).toBe('hunter2')
    }
    expect(versions).toEqual([
      ['kms:v1', 124],
      ['kms:v2', 2120],
      ['kms:v2', 2120],
      ['kms:v1', 124],
    ])
  })

  it('moves to ML-KEM although an earlier rotation was not finished', async () => {
    const { options } = await newFile(false)
    await setSecret('A', 'one', options)
    const before = await jsonOf(options.secretsFile)
    await rotateSecrets(options)
    const after = await jsonOf(options.secretsFile)
    // As if a branch was merged late: its entry is sealed to the earlier pair.
    after.secrets = { A: before.secrets.A }
    await writeFile(options.secretsFile, JSON.stringify(after))
    const rotated = await rotateSecrets({ ...options, postQuantum: true })
    expect(rotated).toMatchObject({ finished: false, entries: 1 })
    expect((await jsonOf(options.secretsFile)).secrets.A).toMatch(/^kms:v2:/)
    expect(text(await getSecret('A', options))).toBe('one')
  })
})

it('merges entries of a branch that moved to ML-KEM', async () => {
  const { options } = await newFile(false)
  await setSecret('A', 'one', options)
  const base = await readFile(options.secretsFile, 'utf8')
  await rotateSecrets({ ...options, postQuantum: true })
  await setSecret('B', 'two', options)
  const ours = await readFile(options.secretsFile, 'utf8')
  await writeFile(options.secretsFile, base)
  await setSecret('C', 'three', { ...options, trust: true })
  const theirs = await readFile(options.secretsFile, 'utf8')
  const { text: merged, conflicts } = mergeSecretsFiles(base, ours, theirs, 'f')
  expect(conflicts).toEqual([])
  await writeFile(options.secretsFile, merged)
  expect(JSON.parse(merged).version).toBe(3)
  for (const [name, value] of [
    ['A', 'one'],
    ['B', 'two'],
    ['C', 'three'],
  ] as const)
    expect(text(await getSecret(name, { ...options, trust: true }))).toBe(value)
})

describe('kms:GenerateDataKeyPairWithoutPlaintext', () => {
  const roleOf = (name: string, spec: string) =>
    kms.createRole({
      name,
      policies: [
        {
          Version: '2012-10-17',
          Statement: [
            {
              Effect: 'Allow',
              Action: 'kms:GenerateDataKeyPairWithoutPlaintext',
              Resource: key,
              Condition: { StringEquals: { 'kms:DataKeyPairSpec': spec } },
            },
          ],
        },
      ],
    })

  async function initAs(name: string, spec: string, postQuantum: boolean) {
    const { arn } = roleOf(name, spec)
    const secretsFile = join(await project({ 'package.json': '{}' }), 'kms-secrets.json')
    return initSecretsFile({
      secretsFile,
      keyIds: [key],
      aws: { ...aws(), credentials: kms.credentialsOf(arn) },
      types: false,
      postQuantum,
    })
  }

  it('is denied by a policy for P-256 pairs, and the error names the condition', async () => {
    await expect(initAs('p256', 'ECC_NIST_P256', true)).rejects.toMatchObject({
      code: 'KMS_DENIED',
      message: expect.stringContaining(
        'A policy with the condition kms:DataKeyPairSpec must allow ML_KEM_1024.',
      ),
    })
    await expect(initAs('p256-only', 'ECC_NIST_P256', false)).resolves.toBeDefined()
  })

  it('is allowed by a policy for ML-KEM pairs, and only for them', async () => {
    await expect(initAs('ml-kem', 'ML_KEM_1024', true)).resolves.toBeDefined()
    const denied = initAs('ml-kem-only', 'ML_KEM_1024', false)
    await expect(denied).rejects.toMatchObject({
      code: 'KMS_DENIED',
      message: expect.not.stringContaining('kms:DataKeyPairSpec'),
    })
  })

  it.each([
    ['UnsupportedOperationException', 'KeyPairSpec ML_KEM_1024 is not supported in region X.'],
    [
      'ValidationException',
      "1 validation error detected: Value 'ML_KEM_1024' at 'keyPairSpec' failed to satisfy constraint: Member must satisfy enum value set: [RSA_2048, ECC_NIST_P256]",
    ],
  ])('is replaced by a local pair where KMS has no ML-KEM: %s', async (type, message) => {
    const operation = 'GenerateDataKeyPairWithoutPlaintext'
    const fault = kms.faults.add({ kind: 'error', type, message, operation })
    const { options } = await newFile()
    fault.remove()
    await setSecret('DB', 'hunter2', options)
    expect(text(await getSecret('DB', options))).toBe('hunter2')
    expect((await listKeys(options)).dataKeyPairs).toMatchObject([{ suite: 'ML-KEM-1024' }])
  })

  it('is rejected if the endpoint ignores the spec and returns a P-256 pair', async () => {
    const { endpoint, ...own } = aws()
    const client = new KMSClient({ endpoint, ...own })
    const server = createServer(async (request, response) => {
      const { KeyId, KeyPairSpec } = JSON.parse(String(await buffer(request)))
      const command = { KeyId, KeyPairSpec: DataKeyPairSpec.ECC_NIST_P256 }
      const made = await client.send(new GenerateDataKeyPairWithoutPlaintextCommand(command))
      const [PublicKey, PrivateKeyCiphertextBlob] = [
        made.PublicKey!,
        made.PrivateKeyCiphertextBlob!,
      ].map((bytes) => Buffer.from(bytes).toString('base64'))
      const answer = { KeyId, KeyPairSpec, PublicKey, PrivateKeyCiphertextBlob }
      response.setHeader('content-type', 'application/x-amz-json-1.1').end(JSON.stringify(answer))
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => void server.close())
    const { port } = server.address() as AddressInfo
    const secretsFile = join(await project({ 'package.json': '{}' }), 'kms-secrets.json')
    const init = (postQuantum: boolean) =>
      initSecretsFile({
        secretsFile,
        keyIds: [key],
        aws: { ...own, endpoint: `http://127.0.0.1:${port}` },
        types: false,
        postQuantum,
      })
    await expect(init(true)).rejects.toMatchObject({
      code: 'KMS_FAILED',
      message: expect.stringContaining('a public key that is not a valid one of ML-KEM-1024'),
    })
    await expect(readFile(secretsFile)).rejects.toThrow('ENOENT')
    await expect(init(false)).resolves.toBeDefined()
  })

  it('is not replaced if KMS rejects the request for another reason', async () => {
    const operation = 'GenerateDataKeyPairWithoutPlaintext'
    const type = 'ValidationException'
    const message = "Value at 'encryptionContext' failed to satisfy constraint"
    const fault = kms.faults.add({ kind: 'error', type, message, operation })
    await expect(newFile()).rejects.toMatchObject({ code: 'KMS_FAILED' })
    fault.remove()
  })
})

describe('scopes', () => {
  it('may be of both suites, each of which opens and rotates on its own', async () => {
    const { options } = await newFile(false)
    await initSecretsFile({
      ...options,
      keyIds: [key],
      scope: 'billing',
      encryptionContext: { app: 'billing' },
      types: false,
      postQuantum: true,
    })
    await setSecret('DB', 'value of the default scope', options)
    await setSecret('STRIPE', 'value of billing', { ...options, scope: 'billing' })
    const suites = async () =>
      Object.fromEntries(
        (await listKeys(options)).dataKeyPairs
          .filter(({ current }) => current)
          .map(({ scope, suite = 'P-256' }) => [scope, suite]),
      )
    expect(await suites()).toEqual({ default: 'P-256', billing: 'ML-KEM-1024' })
    await rotateSecrets(options)
    expect(await suites()).toEqual({ default: 'P-256', billing: 'ML-KEM-1024' })
    await rotateSecrets({ ...options, scope: 'default', postQuantum: true })
    await rotateSecrets({ ...options, scope: 'billing', postQuantum: false })
    expect(await suites()).toEqual({ default: 'ML-KEM-1024', billing: 'P-256' })
    expect(text(await getSecret('DB', options))).toBe('value of the default scope')
    expect(text(await getSecret('STRIPE', options))).toBe('value of billing')
    expect((await jsonOf(options.secretsFile)).version).toBe(3)
  })
})

describe('the pin', () => {
  const pin = (value: string) => void vi.stubEnv('UNPLUGIN_KMS_PIN', value)

  it('changes with the suite of a pair, and with an added key', async () => {
    const { options, made } = await newFile()
    const mismatch = { code: 'PIN_MISMATCH' }
    pin(made.pin)
    await setSecret('A', 'x', options)
    const { arn } = await kms.createKey()
    await rewrapSecrets({ ...options, keyIds: [key, arn] })
    await expect(setSecret('B', 'x', options)).rejects.toMatchObject(mismatch)
    pin((await listKeys(options)).pin)
    await setSecret('B', 'x', options)
    const moved = await rotateSecrets({ ...options, postQuantum: false })
    await expect(setSecret('C', 'x', options)).rejects.toMatchObject(mismatch)
    pin(moved.pin)
    await setSecret('C', 'x', options)
  })

  it('rejects a file in which somebody exchanged the ML-KEM pair for one of P-256', async () => {
    const own = await newFile()
    const foreign = await newFile(false)
    await writeFile(own.options.secretsFile, await readFile(foreign.options.secretsFile, 'utf8'))
    pin(own.made.pin)
    const set = setSecret('DB', 'hunter2', own.options)
    await expect(set).rejects.toMatchObject({ code: 'PIN_MISMATCH' })
  })
})

describe('a recovery copy', () => {
  it('opens an ML-KEM pair without KMS, also after a rotation to it', async () => {
    const identity = await generateHybridIdentity()
    const recipient = await identityToRecipient(identity)
    const folder = await project({ 'package.json': '{}', 'key.txt': `${identity}\n` })
    const options = { secretsFile: join(folder, 'kms-secrets.json'), aws: aws() }
    const init = { ...options, keyIds: [key], types: false, recovery: [recipient] }
    await initSecretsFile({ ...init, postQuantum: false })
    await setSecret('DB', 'hunter2', options)
    const rotated = await rotateSecrets({ ...options, postQuantum: true })
    expect(rotated.warnings).toEqual([])
    const before = kms.journal.length
    const offline = { secretsFile: options.secretsFile, recovery: join(folder, 'key.txt') }
    expect(text(await getSecret('DB', offline))).toBe('hunter2')
    expect(kms.journal).toHaveLength(before)
  })

  it('is warned of if its recipient is not post-quantum, and the pair is', async () => {
    const recipient = await identityToRecipient(await generateX25519Identity())
    const warning = expect.stringMatching(
      new RegExp(`^the recovery copy for ${recipient} is not post-quantum.*age1pq1`),
    )
    const folder = await project({ 'package.json': '{}' })
    const options = { secretsFile: join(folder, 'kms-secrets.json'), aws: aws() }
    const init = { ...options, keyIds: [key], types: false, recovery: [recipient] }
    expect((await initSecretsFile({ ...init, postQuantum: false })).warnings).toEqual([])
    expect((await rotateSecrets({ ...options, postQuantum: true })).warnings).toEqual([warning])
    expect((await rewrapSecrets({ ...options, recovery: [] })).warnings).toEqual([])
    expect((await rewrapSecrets({ ...options, recovery: [recipient] })).warnings).toEqual([warning])
    const other = { ...init, secretsFile: join(folder, 'other.json') }
    expect((await initSecretsFile({ ...other, postQuantum: true })).warnings).toEqual([warning])
  })
})
