import { execFile, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { EncryptCommand, KMSClient, ReplicateKeyCommand } from '@aws-sdk/client-kms'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { project } from '../../support/project.js'
import { opened, optionsFor, refused, startAccount, VALUE, type Account } from './sources.js'

let account: Account
let client: KMSClient
let rsa: string
beforeAll(async () => {
  account = await startAccount()
  client = new KMSClient({
    endpoint: account.kms.url,
    region: 'us-east-1',
    credentials: account.kms.admin.credentials,
  })
  rsa = (await account.kms.createKey({ alias: 'alias/rsa', spec: 'RSA_2048' })).arn
})
afterAll(() => account.close())

const encrypted = async (KeyId: string, EncryptionContext = {}) =>
  Buffer.from(
    (
      await client.send(
        new EncryptCommand({ KeyId, Plaintext: Buffer.from(VALUE), EncryptionContext }),
      )
    ).CiphertextBlob!,
  ).toString('base64')

const hasAws = spawnSync('aws', ['--version']).status === 0

/** What a command of the AWS CLI prints, against the embedded KMS. */
async function aws(...args: string[]): Promise<string> {
  const { PATH = '', HOME = '' } = process.env
  const { stdout } = await promisify(execFile)('aws', args, {
    env: { PATH, HOME, ...account.kms.env },
  })
  return stdout.trim()
}

describe('secret.ciphertext', () => {
  it('embeds a ciphertext verbatim, and calls no AWS service during the build', async () => {
    const blob = await encrypted(account.keyId, { app: 'orders' })
    const code = `export const a = secret.ciphertext('${blob}', { app: 'orders' })`
    const { values, text, atBuild, atRun } = await opened(account, code, account.options)
    expect(values).toEqual({ a: VALUE })
    expect(text).toContain(blob)
    expect(atBuild).toEqual([])
    expect(atRun).toEqual(['kms:Decrypt'])
  })

  it('is decrypted in each region of a multi-Region key, its own first', async () => {
    const { keyId, arn } = await account.kms.createKey({ multiRegion: true })
    await client.send(new ReplicateKeyCommand({ KeyId: keyId, ReplicaRegion: 'eu-west-1' }))
    const replica = arn.replace('us-east-1', 'eu-west-1')
    const blob = await encrypted(arn)
    const { values, text } = await opened(
      account,
      `export const a = secret.ciphertext('${blob}')`,
      optionsFor(account.kms, [replica, arn]),
    )
    expect(values).toEqual({ a: VALUE })
    expect(text).toContain('kms.eu-west-1.amazonaws.com')
    expect(account.kms.journal.at(-1)).toMatchObject({ operation: 'Decrypt', region: 'us-east-1' })
  })

  it.skipIf(!hasAws).each([
    [
      'symmetric',
      () => account.keyId,
      [],
      `, { app: 'orders' }`,
      ['--encryption-context', 'app=orders'],
    ],
    [
      'RSA',
      () => rsa,
      ['--encryption-algorithm', 'RSAES_OAEP_SHA_256'],
      `, {}, { keyId: 'alias/rsa', algorithm: 'RSAES_OAEP_SHA_256' }`,
      [],
    ],
  ])(
    'decrypts the output of aws kms encrypt, %s (if the command is installed)',
    async (_, keyId, algorithm, rest, context) => {
      const root = await project({ 'value.txt': VALUE })
      const blob = await aws(
        'kms',
        'encrypt',
        '--key-id',
        keyId(),
        '--plaintext',
        `fileb://${join(root, 'value.txt')}`,
        ...algorithm,
        ...context,
        '--query',
        'CiphertextBlob',
        '--output',
        'text',
      )
      const { values, text } = await opened(
        account,
        `export const a = secret.ciphertext('${blob}'${rest})`,
        account.options,
      )
      expect(values).toEqual({ a: VALUE })
      expect(text).toContain(blob)
    },
  )

  it.each([
    ['a string that is not base64', `'not base64!'`, /not base64/],
    ['one cut off', `'AQICAHhA=B'`, /not base64/],
    ['an empty one', `''`, /not base64/],
    ['a sealed token', `'kms:v1:AAAA'`, /sealed token/],
    ['an Encryption SDK message', `'AgV4${'A'.repeat(40)}'`, /Encryption SDK/],
    ['more than kms:Decrypt takes', `'${'AQIC'.repeat(2049)}'`, /6147 bytes/],
    [
      'a context with RSA',
      `'AQICAQIC', { app: 'x' }, { algorithm: 'RSAES_OAEP_SHA_256' }`,
      /RSAES_OAEP_SHA_256 has none/,
    ],
  ])('rejects %s', async (_, args, reason) => {
    expect(
      await refused(`secret.ciphertext(${args})`, account.options, 'SOURCE_UNSUITABLE'),
    ).toMatch(reason)
  })

  it('does not guess the key', async () => {
    await refused(`secret.ciphertext('AQICAQIC')`, { ...account.options, keyId: [] }, 'KEY_MISSING')
  })
})

describe('mode direct', () => {
  const direct = () => ({
    ...account.options,
    mode: 'direct' as const,
    keyId: 'alias/app',
    encryptionContext: { app: 'orders' },
  })

  it('encrypts each secret under the key’s ARN, and decrypts it when it is awaited', async () => {
    const code = `export const a = secret('value-of-direct-a'), b = secret.env('B'), json = secret.env('J').then(JSON.parse)\nconst idle = secret('value-never-awaited')\nexport const later = { open: () => idle }`
    const options = {
      ...direct(),
      env: { B: 'value-of-direct-b', J: '{"c":1}' },
      runtime: { start: 'load' as const, maxAttempts: 2 },
    }
    const { values, text, atBuild, atRun } = await opened(account, code, options)
    expect(values).toEqual({
      a: 'value-of-direct-a',
      b: 'value-of-direct-b',
      json: { c: 1 },
      later: {},
    })
    expect(atBuild).toEqual(['kms:Encrypt', 'kms:Encrypt', 'kms:Encrypt', 'kms:Encrypt'])
    expect(atRun).toEqual(['kms:Decrypt', 'kms:Decrypt', 'kms:Decrypt'])
    expect(text).toContain(account.keyId)
    expect(text).not.toMatch(/alias\/|kms:v1:|value-of-direct/)
  })

  it('encrypts under several unrelated keys, each of which decrypts', async () => {
    const { arn: far } = await account.kms.createKey({ region: 'eu-west-1' })
    const { text, values } = await opened(account, `export const a = secret('${VALUE}')`, {
      ...direct(),
      keyId: [far, account.keyId],
    })
    expect(values).toEqual({ a: VALUE })
    expect(text).toContain(far)
    const disabled = account.kms.faults.add({
      kind: 'error',
      type: 'KMSInternalException',
      status: 500,
      times: 1,
      operation: 'kms:Decrypt',
    })
    expect(
      (
        await opened(account, `export const a = secret('${VALUE}')`, {
          ...direct(),
          keyId: [far, account.keyId],
        })
      ).values,
    ).toEqual({ a: VALUE })
    expect(disabled.strikes).toBe(1)
  })

  it('accepts 4096 bytes and rejects more, with the size', async () => {
    const largest = 'x'.repeat(4096)
    expect(
      (
        await opened(account, `export const a = secret.env('A')`, {
          ...direct(),
          env: { A: largest },
        })
      ).values,
    ).toEqual({ a: largest })
    const text = await refused(
      `secret.env('A')`,
      { ...direct(), env: { A: VALUE.padEnd(4097) } },
      'PLAINTEXT_TOO_LARGE',
    )
    expect(text).toMatch(/4097 bytes.*4096/)
  })

  it('warns about more than ten secrets', async () => {
    const marks = (count: number) =>
      `export const all = Promise.all([${Array.from({ length: count }, (_, index) => `secret('value-number-${index}')`).join(', ')}])`
    expect((await opened(account, marks(10), direct())).warnings).toEqual([])
    expect((await opened(account, marks(11), direct())).warnings).toEqual([
      expect.stringMatching(/^11 secrets.*\[DIRECT_MANY\]/),
    ])
  })

  it.skipIf(!hasAws)(
    'creates blobs that aws kms decrypt can decrypt (if the command is installed)',
    async () => {
      const { text } = await opened(account, `export const a = secret('${VALUE}')`, direct())
      const blob = /amazonaws\.com", "([\w+/=]+)"/.exec(text)![1]!
      const root = await project({ blob: Buffer.from(blob, 'base64') })
      const plaintext = await aws(
        'kms',
        'decrypt',
        '--ciphertext-blob',
        `fileb://${join(root, 'blob')}`,
        '--encryption-context',
        'app=orders',
        '--query',
        'Plaintext',
        '--output',
        'text',
      )
      expect(Buffer.from(plaintext, 'base64').toString()).toBe(VALUE)
    },
  )
})
