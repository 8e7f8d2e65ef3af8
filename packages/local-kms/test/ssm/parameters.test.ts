import { DecryptCommand, KMSClient } from '@aws-sdk/client-kms'
import {
  GetParameterCommand,
  GetParametersCommand,
  PutParameterCommand,
  SSMClient,
} from '@aws-sdk/client-ssm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startLocalKms, type LocalKms } from '../../src/index.js'
import { call, succeed } from '../call.js'

let kms: LocalKms
let ssm: SSMClient
let keys: KMSClient
let KeyId: string
beforeAll(async () => {
  kms = await startLocalKms()
  KeyId = (await kms.createKey({ alias: 'alias/app' })).arn
  const config = { endpoint: kms.url, region: kms.region, credentials: kms.admin.credentials }
  ssm = new SSMClient(config)
  keys = new KMSClient(config)
})
afterAll(() => kms.close())

const arn = (name: string): string => `arn:aws:ssm:us-east-1:111122223333:parameter${name}`
let names = 0
const newName = (): string => `/prod/p${(names += 1)}`

async function put(input: object = {}): Promise<string> {
  const Name = newName()
  const request = {
    Name,
    Value: 'hunter2',
    Type: 'SecureString' as const,
    KeyId: 'alias/app',
    ...input,
  }
  await ssm.send(new PutParameterCommand(request))
  return Name
}

const refusal = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'none',
    (error: Error) => error.name,
  )

describe('a SecureString', () => {
  it('is a KMS ciphertext with PARAMETER_ARN if it is read without decryption', async () => {
    const Name = await put()
    const { Parameter } = await ssm.send(new GetParameterCommand({ Name }))
    expect(Parameter).toMatchObject({ Name, Type: 'SecureString', ARN: arn(Name), Version: 1 })
    const CiphertextBlob = Buffer.from(Parameter?.Value as string, 'base64')
    const EncryptionContext = { PARAMETER_ARN: Parameter?.ARN as string }
    const opened = await keys.send(new DecryptCommand({ CiphertextBlob, EncryptionContext, KeyId }))
    expect(Buffer.from(opened.Plaintext as Uint8Array).toString()).toBe('hunter2')
    expect(await refusal(keys.send(new DecryptCommand({ CiphertextBlob })))).toBe(
      'InvalidCiphertextException',
    )
  })

  it('is its value if it is read with decryption', async () => {
    const Name = await put()
    const { Parameter } = await ssm.send(new GetParameterCommand({ Name, WithDecryption: true }))
    expect(Parameter?.Value).toBe('hunter2')
  })

  it('of the AWS managed key can only be decrypted through SSM', async () => {
    const Name = await put({ KeyId: undefined })
    const { Parameter } = await ssm.send(new GetParameterCommand({ Name }))
    const CiphertextBlob = Buffer.from(Parameter?.Value as string, 'base64')
    const EncryptionContext = { PARAMETER_ARN: arn(Name) }
    const direct = keys.send(new DecryptCommand({ CiphertextBlob, EncryptionContext }))
    expect(await refusal(direct)).toBe('AccessDeniedException')
    const through = await ssm.send(new GetParameterCommand({ Name, WithDecryption: true }))
    expect(through.Parameter?.Value).toBe('hunter2')
  })

  it('of the advanced tier starts like an Encryption SDK message', async () => {
    const Value = 'x'.repeat(5000)
    const Name = await put({ Tier: 'Advanced', Value })
    const { Parameter } = await ssm.send(new GetParameterCommand({ Name }))
    expect(Parameter?.Value).toMatch(/^AgV4/)
    const CiphertextBlob = Buffer.from(Parameter?.Value as string, 'base64').subarray(0, 6144)
    const EncryptionContext = { PARAMETER_ARN: arn(Name) }
    const direct = keys.send(new DecryptCommand({ CiphertextBlob, EncryptionContext }))
    expect(await refusal(direct)).toBe('InvalidCiphertextException')
    const through = await ssm.send(new GetParameterCommand({ Name, WithDecryption: true }))
    expect(through.Parameter?.Value).toBe(Value)
  })

  it('needs kms:Decrypt only to be read with decryption', async () => {
    const Name = await put()
    const { credentials } = kms.createUser({
      name: 'build',
      policies: [
        {
          Version: '2012-10-17',
          Statement: [{ Effect: 'Allow', Action: 'ssm:GetParameter', Resource: arn('/prod/*') }],
        },
      ],
    })
    expect((await call(kms, 'ssm:GetParameter', { Name }, { credentials })).status).toBe(200)
    const decrypted = await call(
      kms,
      'ssm:GetParameter',
      { Name, WithDecryption: true },
      { credentials },
    )
    expect([decrypted.status, decrypted.type]).toEqual([400, 'AccessDeniedException'])
    expect(decrypted.text).toContain('kms:Decrypt')
    const other = await call(kms, 'ssm:GetParameter', { Name: '/dev/x' }, { credentials })
    expect(other.text).toContain('not authorized to perform: ssm:GetParameter on resource')
  })

  it('is decrypted for a role whose kms:Decrypt is limited to SSM and the parameter', async () => {
    const Name = await put()
    const decrypt = (service: string) => ({
      Effect: 'Allow',
      Action: 'kms:Decrypt',
      Resource: KeyId,
      Condition: {
        StringEquals: {
          'kms:ViaService': `${service}.us-east-1.amazonaws.com`,
          'kms:EncryptionContext:PARAMETER_ARN': arn(Name),
        },
      },
    })
    const read = { Effect: 'Allow', Action: 'ssm:GetParameter', Resource: '*' }
    const status = async (service: string) => {
      const Statement = [read, decrypt(service)]
      const { credentials } = kms.createUser({
        name: `via-${service}`,
        policies: [{ Version: '2012-10-17', Statement }],
      })
      return (await call(kms, 'ssm:GetParameter', { Name, WithDecryption: true }, { credentials }))
        .status
    }
    expect([await status('ssm'), await status('s3')]).toEqual([200, 400])
  })

  it('fails with InvalidKeyId if its key is disabled or missing', async () => {
    const { keyId } = await kms.createKey()
    const Name = await put({ KeyId: keyId })
    await succeed(kms, 'DisableKey', { KeyId: keyId })
    const get = ssm.send(new GetParameterCommand({ Name, WithDecryption: true }))
    expect(await refusal(get)).toBe('InvalidKeyId')
    expect(await refusal(put({ KeyId: 'alias/nowhere' }))).toBe('InvalidKeyId')
  })
})

describe('parameters', () => {
  it('are overwritten on request only, and keep their versions', async () => {
    const Name = await put({ Type: 'String', Value: 'one', KeyId: undefined })
    const again = { Name, Value: 'two', Type: 'String' as const }
    expect(await refusal(ssm.send(new PutParameterCommand(again)))).toBe('ParameterAlreadyExists')
    expect(await ssm.send(new PutParameterCommand({ ...again, Overwrite: true }))).toMatchObject({
      Version: 2,
    })
    const value = async (name: string) =>
      (await ssm.send(new GetParameterCommand({ Name: name }))).Parameter?.Value
    expect([await value(Name), await value(`${Name}:1`), await value(arn(Name))]).toEqual([
      'two',
      'one',
      'two',
    ])
    expect(await refusal(value(`${Name}:9`))).toBe('ParameterVersionNotFound')
  })

  it('that do not exist are returned as InvalidParameters', async () => {
    const Name = await put()
    const answer = await ssm.send(
      new GetParametersCommand({ Names: [Name, '/nowhere'], WithDecryption: true }),
    )
    expect(answer.Parameters).toMatchObject([{ Name, Value: 'hunter2' }])
    expect(answer.InvalidParameters).toEqual(['/nowhere'])
    expect(await refusal(ssm.send(new GetParameterCommand({ Name: '/nowhere' })))).toBe(
      'ParameterNotFound',
    )
  })

  it('without a leading slash have one in their ARN', async () => {
    const request = { Name: 'plain', Value: 'v', Type: 'String' as const }
    await ssm.send(new PutParameterCommand(request))
    const { Parameter } = await ssm.send(new GetParameterCommand({ Name: arn('/plain') }))
    expect(Parameter).toMatchObject({ Name: 'plain', ARN: arn('/plain'), Value: 'v' })
  })

  it('have at most 4096 bytes in the standard tier', async () => {
    expect(await refusal(put({ Value: 'x'.repeat(4096) }))).toBe('none')
    expect(await refusal(put({ Value: 'x'.repeat(4097) }))).toBe('ValidationException')
  })

  it('belong to one region', async () => {
    const Name = await put()
    const { type } = await call(kms, 'ssm:GetParameter', { Name }, { region: 'eu-west-1' })
    expect(type).toBe('ParameterNotFound')
  })
})
