import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { formatEntry, startLocalKms, type LocalKms } from '../../src/index.js'
import { base64, call, succeed } from '../call.js'

let kms: LocalKms
let arn: string
beforeAll(async () => {
  kms = await startLocalKms()
  arn = (await kms.createKey({ alias: 'alias/app' })).arn
})
beforeEach(() => {
  kms.journal.length = 0
})
afterAll(() => kms.close())

const SECRET = 'correct-horse-battery-staple'

describe('an entry of the journal', () => {
  it('contains operation, key, context, principal and outcome', async () => {
    const EncryptionContext = { app: 'orders' }
    await succeed(kms, 'Encrypt', {
      KeyId: 'alias/app',
      Plaintext: base64(SECRET),
      EncryptionContext,
    })
    expect(kms.journal).toEqual([
      {
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
        requestId: expect.any(String),
        service: 'kms',
        operation: 'Encrypt',
        region: 'us-east-1',
        principal: kms.admin.arn,
        keyArn: arn,
        encryptionContext: EncryptionContext,
        outcome: 'Success',
      },
    ])
  })

  it('contains whether the call was a dry run', async () => {
    await call(kms, 'Encrypt', { KeyId: arn, Plaintext: base64(SECRET), DryRun: true })
    expect(kms.journal).toMatchObject([{ dryRun: true, outcome: 'DryRunOperationException' }])
    expect(formatEntry(kms.journal[0]!)).toContain('dry-run')
  })

  it('contains the error and its message', async () => {
    await call(kms, 'DescribeKey', { KeyId: 'alias/nowhere' })
    expect(kms.journal.at(-1)).toMatchObject({
      outcome: 'NotFoundException',
      message: 'Alias arn:aws:kms:us-east-1:111122223333:alias/nowhere is not found.',
    })
  })

  it('contains both keys and contexts of ReEncrypt', async () => {
    const to = await kms.createKey()
    const request = { KeyId: arn, Plaintext: base64(SECRET), EncryptionContext: { a: '1' } }
    const { CiphertextBlob } = await succeed(kms, 'Encrypt', request)
    await succeed(kms, 'ReEncrypt', {
      CiphertextBlob,
      SourceEncryptionContext: { a: '1' },
      DestinationKeyId: to.keyId,
      DestinationEncryptionContext: { b: '2' },
    })
    expect(kms.journal.at(-1)).toMatchObject({
      sourceKeyArn: arn,
      sourceEncryptionContext: { a: '1' },
      keyArn: to.arn,
      encryptionContext: { b: '2' },
    })
  })

  it('contains the request id of the answer', async () => {
    const { headers } = await call(kms, 'ListKeys')
    expect(kms.journal.at(-1)?.requestId).toBe(headers['x-amzn-requestid'])
  })

  it('contains the session of the role that called', async () => {
    const role = kms.createRole({ name: 'app' })
    const credentials = kms.credentialsOf(role.arn, { sessionName: 'build-7' })
    await call(kms, 'ListKeys', {}, { credentials })
    expect(kms.journal.at(-1)?.principal).toBe('arn:aws:sts::111122223333:assumed-role/app/build-7')
  })

  it('is separate for the call that SSM makes to KMS', async () => {
    const put = { Name: '/db', Value: SECRET, Type: 'SecureString', KeyId: 'alias/app' }
    await succeed(kms, 'ssm:PutParameter', put)
    await succeed(kms, 'ssm:GetParameter', { Name: '/db', WithDecryption: true })
    const parameter = 'arn:aws:ssm:us-east-1:111122223333:parameter/db'
    const byKms = {
      service: 'kms',
      keyArn: arn,
      invokedBy: 'ssm.us-east-1.amazonaws.com',
      encryptionContext: { PARAMETER_ARN: parameter },
    }
    expect(kms.journal).toMatchObject([
      { ...byKms, operation: 'Encrypt' },
      { service: 'ssm', operation: 'PutParameter', resource: parameter },
      { ...byKms, operation: 'Decrypt' },
      { service: 'ssm', operation: 'GetParameter', resource: parameter },
    ])
  })

  it('contains no plaintext, ciphertext or credential', async () => {
    const Plaintext = base64(SECRET)
    const { CiphertextBlob } = await succeed(kms, 'Encrypt', { KeyId: arn, Plaintext })
    await succeed(kms, 'Decrypt', { CiphertextBlob })
    await call(kms, 'Encrypt', { KeyId: arn, Plaintext: base64(SECRET.repeat(200)) })
    await call(kms, 'ssm:PutParameter', { Name: '/x', Value: SECRET.repeat(200), Type: 'String' })
    await call(kms, 'ssm:PutParameter', { Name: '/y', Value: SECRET, Type: 'SecureString' })
    const token = '0123456789012345678901234567890123456789'
    const create = { Name: 'x', SecretString: SECRET, ClientRequestToken: token }
    await succeed(kms, 'secretsmanager:CreateSecret', create)
    await call(kms, 'secretsmanager:CreateSecret', { ...create, SecretString: SECRET.repeat(3000) })
    await call(kms, 'Encrypt', `{"KeyId":"x","Plaintext":"${SECRET}`)
    const text = JSON.stringify(kms.journal) + kms.journal.map(formatEntry).join('\n')
    for (const form of [SECRET, Plaintext, Plaintext.slice(0, 20), CiphertextBlob as string]) {
      expect(text).not.toContain(form)
    }
    expect(text).not.toContain(kms.admin.credentials.secretAccessKey)
  })
})

it('formats an entry as one line', async () => {
  const EncryptionContext = { app: 'orders' }
  await succeed(kms, 'GenerateDataKey', { KeyId: arn, KeySpec: 'AES_256', EncryptionContext })
  expect(formatEntry(kms.journal.at(-1)!)).toMatch(
    /^\d\d:\d\d:\d\d\.\d{3} us-east-1 GenerateDataKey Success key\/[0-9a-f-]{36} \{"app":"orders"\} by user\/admin$/,
  )
})

it('escapes control characters in the line of an entry', async () => {
  await call(kms, 'DescribeKey', { KeyId: 'a\nkms 00:00 Decrypt\u001b[2J\u009b' })
  const line = formatEntry(kms.journal.at(-1)!)
  expect(line).toMatch(/^\P{Cc}+$/u)
  expect(line).toContain(String.raw`a\u000akms 00:00 Decrypt\u001b[2J\u009b`)
})

it('keeps the last calls, and calls the listener for all', async () => {
  const heard: string[] = []
  const small = await startLocalKms({
    journalLimit: 3,
    onCall: (entry) => heard.push(entry.requestId),
  })
  for (let i = 0; i < 5; i += 1) await call(small, 'ListKeys')
  expect(small.journal.map((entry) => entry.requestId)).toEqual(heard.slice(2))
  expect(heard).toHaveLength(5)
  await small.close()
})
