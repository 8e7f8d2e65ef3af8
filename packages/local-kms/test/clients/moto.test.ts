import { spawn, type ChildProcess } from 'node:child_process'
import { createServer, type AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startLocalKms, type LocalKms } from '../../src/index.js'
import { base64, call } from '../call.js'
import { peerEnvironment, whyMissing } from './installed.js'

/** An independent emulator, held against this one: both answer alike, or the difference is listed. */
const missing = whyMissing('moto_server', '--help')

let kms: LocalKms
let moto: LocalKms
let server: ChildProcess

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => probe.once('listening', resolve))
  const { port } = probe.address() as AddressInfo
  await new Promise((resolve) => probe.close(resolve))
  return port
}

async function start(): Promise<void> {
  kms = await startLocalKms({ accountId: '123456789012' })
  const port = await freePort()
  const args = ['-H', '127.0.0.1', '-p', String(port)]
  server = spawn('moto_server', args, { env: peerEnvironment({ PYTHONUNBUFFERED: '1' }) })
  moto = { url: `http://127.0.0.1:${port}`, region: kms.region, admin: kms.admin } as LocalKms
  await new Promise<void>((resolve, reject) => {
    const listen = (chunk: Buffer): void => {
      if (chunk.toString().includes('Running on')) resolve()
    }
    server.stdout?.on('data', listen)
    server.stderr?.on('data', listen)
    server.once('exit', (code) => reject(new Error(`moto_server ended with ${code}`)))
  })
}

type Answer = { status: number; type: string | undefined; body: Record<string, unknown> }

/** A service to ask, with the keys it made for the test. */
interface Subject {
  ask: (operation: string, input?: object) => Promise<Answer>
  keyId: string
  otherKeyId: string
  arn: string
}

async function subject(service: LocalKms): Promise<Subject> {
  const ask = async (operation: string, input: object = {}): Promise<Answer> => {
    const { status, type, body } = await call(service, operation, input)
    return { status, type, body }
  }
  const create = async () => {
    const { body } = await ask('CreateKey', { Description: 'compare' })
    return body['KeyMetadata'] as { KeyId: string; Arn: string }
  }
  const { KeyId: keyId, Arn: arn } = await create()
  return { ask, keyId, otherKeyId: (await create()).KeyId, arn }
}

const UNKNOWN = '1234abcd-12ab-34cd-56ef-1234567890ab'

const encrypted = async ({ ask, keyId }: Subject, EncryptionContext: object = {}) => {
  const request = { KeyId: keyId, Plaintext: base64('secret'), EncryptionContext }
  return (await ask('Encrypt', request)).body['CiphertextBlob'] as string
}

/** What both are asked; the answer that counts is the last one of each. */
const QUESTIONS: Record<string, (subject: Subject) => Promise<Answer>> = {
  DescribeKey: ({ ask, keyId }) => ask('DescribeKey', { KeyId: keyId }),
  'DescribeKey of an unknown key': ({ ask }) => ask('DescribeKey', { KeyId: UNKNOWN }),
  'DescribeKey of an unknown alias': ({ ask }) => ask('DescribeKey', { KeyId: 'alias/nowhere' }),
  'DescribeKey of no key id': ({ ask }) => ask('DescribeKey', { KeyId: 'fake' }),
  CreateAlias: ({ ask, keyId }) =>
    ask('CreateAlias', { AliasName: `alias/a-${keyId}`, TargetKeyId: keyId }),
  'CreateAlias twice': async ({ ask, keyId }) => {
    const alias = { AliasName: `alias/b-${keyId}`, TargetKeyId: keyId }
    await ask('CreateAlias', alias)
    return ask('CreateAlias', alias)
  },
  "CreateAlias in AWS's own name": ({ ask, keyId }) =>
    ask('CreateAlias', { AliasName: 'alias/aws/s3', TargetKeyId: keyId }),
  'CreateAlias without its prefix': ({ ask, keyId }) =>
    ask('CreateAlias', { AliasName: 'plain', TargetKeyId: keyId }),
  'CreateAlias to an alias': async ({ ask, keyId }) => {
    await ask('CreateAlias', { AliasName: `alias/c-${keyId}`, TargetKeyId: keyId })
    return ask('CreateAlias', { AliasName: 'alias/x', TargetKeyId: `alias/c-${keyId}` })
  },
  'UpdateAlias of an unknown alias': ({ ask, keyId }) =>
    ask('UpdateAlias', { AliasName: 'alias/nowhere', TargetKeyId: keyId }),
  'DeleteAlias of an unknown alias': ({ ask }) =>
    ask('DeleteAlias', { AliasName: 'alias/nowhere' }),
  Encrypt: ({ ask, keyId }) => ask('Encrypt', { KeyId: keyId, Plaintext: base64('x') }),
  'Encrypt of 4096 bytes': ({ ask, keyId }) =>
    ask('Encrypt', { KeyId: keyId, Plaintext: base64('x'.repeat(4096)) }),
  'Encrypt of 4097 bytes': ({ ask, keyId }) =>
    ask('Encrypt', { KeyId: keyId, Plaintext: base64('x'.repeat(4097)) }),
  'Encrypt of no bytes': ({ ask, keyId }) => ask('Encrypt', { KeyId: keyId, Plaintext: '' }),
  'Encrypt with a disabled key': async ({ ask, keyId }) => {
    await ask('DisableKey', { KeyId: keyId })
    return ask('Encrypt', { KeyId: keyId, Plaintext: base64('x') })
  },
  'Encrypt with a key pending deletion': async ({ ask, keyId }) => {
    await ask('ScheduleKeyDeletion', { KeyId: keyId })
    return ask('Encrypt', { KeyId: keyId, Plaintext: base64('x') })
  },
  'Encrypt as a dry run': ({ ask, keyId }) =>
    ask('Encrypt', { KeyId: keyId, Plaintext: base64('x'), DryRun: true }),
  Decrypt: async (subject) => subject.ask('Decrypt', { CiphertextBlob: await encrypted(subject) }),
  'Decrypt with the context': async (subject) => {
    const EncryptionContext = { app: 'a', stage: 'b' }
    const CiphertextBlob = await encrypted(subject, EncryptionContext)
    return subject.ask('Decrypt', { CiphertextBlob, EncryptionContext })
  },
  'Decrypt with another context': async (subject) => {
    const CiphertextBlob = await encrypted(subject, { app: 'a' })
    return subject.ask('Decrypt', { CiphertextBlob, EncryptionContext: { app: 'b' } })
  },
  'Decrypt with a context that reads alike without separators': async (subject) => {
    const CiphertextBlob = await encrypted(subject, { app: 'a' })
    return subject.ask('Decrypt', { CiphertextBlob, EncryptionContext: { appa: '' } })
  },
  'Decrypt with another key': async (subject) => {
    const CiphertextBlob = await encrypted(subject)
    return subject.ask('Decrypt', { CiphertextBlob, KeyId: subject.otherKeyId })
  },
  'Decrypt of no ciphertext': ({ ask }) =>
    ask('Decrypt', { CiphertextBlob: base64('x'.repeat(200)) }),
  ReEncrypt: async (subject) => {
    const CiphertextBlob = await encrypted(subject)
    return subject.ask('ReEncrypt', { CiphertextBlob, DestinationKeyId: subject.otherKeyId })
  },
  GenerateDataKey: ({ ask, keyId }) => ask('GenerateDataKey', { KeyId: keyId, KeySpec: 'AES_256' }),
  'GenerateDataKey of no size': ({ ask, keyId }) => ask('GenerateDataKey', { KeyId: keyId }),
  'GenerateDataKey of two sizes': ({ ask, keyId }) =>
    ask('GenerateDataKey', { KeyId: keyId, KeySpec: 'AES_256', NumberOfBytes: 32 }),
  'GenerateDataKey of 1025 bytes': ({ ask, keyId }) =>
    ask('GenerateDataKey', { KeyId: keyId, NumberOfBytes: 1025 }),
  GenerateDataKeyWithoutPlaintext: ({ ask, keyId }) =>
    ask('GenerateDataKeyWithoutPlaintext', { KeyId: keyId, KeySpec: 'AES_128' }),
  GenerateDataKeyPairWithoutPlaintext: ({ ask, keyId }) =>
    ask('GenerateDataKeyPairWithoutPlaintext', { KeyId: keyId, KeyPairSpec: 'ECC_NIST_P256' }),
  GenerateRandom: ({ ask }) => ask('GenerateRandom', { NumberOfBytes: 8 }),
  'GenerateRandom of 1025 bytes': ({ ask }) => ask('GenerateRandom', { NumberOfBytes: 1025 }),
  DisableKey: ({ ask, keyId }) => ask('DisableKey', { KeyId: keyId }),
  EnableKey: ({ ask, keyId }) => ask('EnableKey', { KeyId: keyId }),
  ScheduleKeyDeletion: ({ ask, keyId }) => ask('ScheduleKeyDeletion', { KeyId: keyId }),
  'ScheduleKeyDeletion twice': async ({ ask, keyId }) => {
    await ask('ScheduleKeyDeletion', { KeyId: keyId })
    return ask('ScheduleKeyDeletion', { KeyId: keyId })
  },
  'ScheduleKeyDeletion in 6 days': ({ ask, keyId }) =>
    ask('ScheduleKeyDeletion', { KeyId: keyId, PendingWindowInDays: 6 }),
  CancelKeyDeletion: async ({ ask, keyId }) => {
    await ask('ScheduleKeyDeletion', { KeyId: keyId })
    return ask('CancelKeyDeletion', { KeyId: keyId })
  },
  'CancelKeyDeletion of a key that stays': ({ ask, keyId }) =>
    ask('CancelKeyDeletion', { KeyId: keyId }),
  GetKeyPolicy: ({ ask, keyId }) => ask('GetKeyPolicy', { KeyId: keyId, PolicyName: 'default' }),
  'GetKeyPolicy of another name': ({ ask, keyId }) =>
    ask('GetKeyPolicy', { KeyId: keyId, PolicyName: 'other' }),
  'PutKeyPolicy of no policy': ({ ask, keyId }) =>
    ask('PutKeyPolicy', { KeyId: keyId, PolicyName: 'default', Policy: 'none' }),
  EnableKeyRotation: ({ ask, keyId }) => ask('EnableKeyRotation', { KeyId: keyId }),
  GetKeyRotationStatus: ({ ask, keyId }) => ask('GetKeyRotationStatus', { KeyId: keyId }),
  'GetKeyRotationStatus when enabled': async ({ ask, keyId }) => {
    await ask('EnableKeyRotation', { KeyId: keyId, RotationPeriodInDays: 100 })
    return ask('GetKeyRotationStatus', { KeyId: keyId })
  },
  DisableKeyRotation: ({ ask, keyId }) => ask('DisableKeyRotation', { KeyId: keyId }),
  ListKeys: ({ ask }) => ask('ListKeys'),
  ListAliases: ({ ask, keyId }) => ask('ListAliases', { KeyId: keyId }),
}

/**
 * Where moto (5.2) answers otherwise: what it answers, and what AWS's documentation says, which
 * backs the local KMS in each of them.
 */
const DIFFERENCES: Record<string, [moto: string, documented: string]> = {
  Encrypt: ['200 CiphertextBlob KeyId', 'API_Encrypt: the answer has EncryptionAlgorithm'],
  'Encrypt of 4096 bytes': ['200 CiphertextBlob KeyId', 'as Encrypt'],
  'Encrypt with a disabled key': ['200 CiphertextBlob KeyId', 'key-state table: DisabledException'],
  'Encrypt with a key pending deletion': [
    '200 CiphertextBlob KeyId',
    'key-state table: KMSInvalidStateException',
  ],
  'Encrypt as a dry run': ['200 CiphertextBlob KeyId', 'API_Encrypt: DryRunOperationException'],
  Decrypt: [
    '200 KeyId Plaintext',
    'API_Decrypt: the answer has EncryptionAlgorithm, KeyMaterialId',
  ],
  'Decrypt with the context': ['200 KeyId Plaintext', 'as Decrypt'],
  'Decrypt with a context that reads alike without separators': [
    '200 KeyId Plaintext',
    'API_Encrypt: the context must match exactly',
  ],
  'Decrypt with another key': ['400 AccessDeniedException', 'API_Decrypt: IncorrectKeyException'],
  'Decrypt of no ciphertext': [
    '400 AccessDeniedException',
    'API_Decrypt: InvalidCiphertextException',
  ],
  ReEncrypt: [
    '200 CiphertextBlob KeyId SourceKeyId',
    'API_ReEncrypt: the answer has both algorithms and both KeyMaterialIds',
  ],
  GenerateDataKey: ['200 CiphertextBlob KeyId Plaintext', 'API_GenerateDataKey: KeyMaterialId'],
  GenerateDataKeyWithoutPlaintext: ['200 CiphertextBlob KeyId', 'its API page: KeyMaterialId'],
  GenerateDataKeyPairWithoutPlaintext: ['500 undefined', 'its API page: a success'],
  ScheduleKeyDeletion: [
    '200 DeletionDate KeyId',
    'API_ScheduleKeyDeletion: the answer has KeyState, PendingWindowInDays',
  ],
  'ScheduleKeyDeletion twice': [
    '200 DeletionDate KeyId',
    'key-state table: KMSInvalidStateException',
  ],
  'ScheduleKeyDeletion in 6 days': [
    '200 DeletionDate KeyId',
    'API_ScheduleKeyDeletion: between 7 and 30, inclusive',
  ],
  'CancelKeyDeletion of a key that stays': [
    '200 KeyId',
    'key-state table: KMSInvalidStateException',
  ],
  GetKeyPolicy: ['200 Policy', 'API_GetKeyPolicy: the answer has PolicyName'],
  'PutKeyPolicy of no policy': ['200', 'API_PutKeyPolicy: MalformedPolicyDocumentException'],
  GetKeyRotationStatus: ['200 KeyRotationEnabled', 'its API page: the answer has KeyId'],
  'GetKeyRotationStatus when enabled': [
    '200 KeyRotationEnabled',
    'its API page: KeyId, NextRotationDate, RotationPeriodInDays',
  ],
  ListKeys: [
    '200 Keys NextMarker Truncated',
    'API_ListKeys: NextMarker is present when Truncated is true',
  ],
}

/** `200 A B` with the members of the answer, or `400 NameOfTheError`. */
const summary = ({ status, type, body }: Answer): string =>
  status === 200 ? ['200', ...Object.keys(body).toSorted()].join(' ') : `${status} ${type}`

describe.skipIf(missing !== '')(`moto and the local KMS answer alike${missing}`, () => {
  beforeAll(start, 30_000)
  afterAll(async () => {
    server.kill('SIGKILL')
    await kms.close()
  })

  test.each(Object.keys(QUESTIONS))('%s', async (name) => {
    const ask = QUESTIONS[name]!
    const ours = summary(await ask(await subject(kms)))
    const theirs = summary(await ask(await subject(moto)))
    const [known] = DIFFERENCES[name] ?? []
    // A moto that has come to agree is welcome; any other answer of its is news.
    if (known === undefined || theirs !== known) expect(theirs).toBe(ours)
    else expect(ours).not.toBe(known)
  })
})
