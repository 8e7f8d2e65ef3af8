import {
  CreateSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager'
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startLocalKms, type LocalKms } from '../../src/index.js'
import { call, succeed } from '../call.js'

let kms: LocalKms
let client: SecretsManagerClient
beforeAll(async () => {
  kms = await startLocalKms()
  const config = { endpoint: kms.url, region: kms.region, credentials: kms.admin.credentials }
  client = new SecretsManagerClient(config)
})
afterAll(() => kms.close())

let names = 0
async function create(input: object = {}) {
  const Name = `prod/s${(names += 1)}`
  const created = await client.send(
    new CreateSecretCommand({ Name, SecretString: 'one', ...input }),
  )
  return { SecretId: Name, ARN: created.ARN as string, VersionId: created.VersionId as string }
}

const value = async (input: ConstructorParameters<typeof GetSecretValueCommand>[0]) =>
  (await client.send(new GetSecretValueCommand(input))).SecretString

const refusal = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'none',
    (error: Error) => `${error.name}: ${error.message}`,
  )

describe('a secret', () => {
  it('is found by name, ARN, and ARN without suffix', async () => {
    const { SecretId, ARN } = await create()
    expect(ARN).toMatch(/^arn:aws:secretsmanager:us-east-1:111122223333:secret:prod\/s\d+-\w{6}$/)
    for (const id of [SecretId, ARN, ARN.slice(0, -7)])
      expect(await value({ SecretId: id })).toBe('one')
  })

  it('can be binary', async () => {
    const SecretBinary = Buffer.from([0, 255, 1])
    const { SecretId } = await create({ SecretString: undefined, SecretBinary })
    const answer = await client.send(new GetSecretValueCommand({ SecretId }))
    expect(Buffer.from(answer.SecretBinary as Uint8Array)).toEqual(SecretBinary)
    expect(answer.SecretString).toBeUndefined()
  })

  it('moves its staging labels when a value is put', async () => {
    const { SecretId, VersionId } = await create()
    await client.send(new PutSecretValueCommand({ SecretId, SecretString: 'two' }))
    expect(await value({ SecretId })).toBe('two')
    expect(await value({ SecretId, VersionStage: 'AWSPREVIOUS' })).toBe('one')
    expect(await value({ SecretId, VersionId })).toBe('one')
    await client.send(new PutSecretValueCommand({ SecretId, SecretString: 'three' }))
    expect(await value({ SecretId, VersionStage: 'AWSPREVIOUS' })).toBe('two')
    const { VersionIdsToStages } = await client.send(new DescribeSecretCommand({ SecretId }))
    expect(
      Object.values(VersionIdsToStages ?? {})
        .flat()
        .toSorted(),
    ).toEqual(['AWSCURRENT', 'AWSPREVIOUS'])
  })

  it('accepts a pending value that becomes the current one later', async () => {
    const { SecretId, VersionId } = await create()
    const pending = await client.send(
      new PutSecretValueCommand({ SecretId, SecretString: 'two', VersionStages: ['AWSPENDING'] }),
    )
    expect(await value({ SecretId })).toBe('one')
    expect(await value({ SecretId, VersionStage: 'AWSPENDING' })).toBe('two')
    await client.send(
      new UpdateSecretVersionStageCommand({
        SecretId,
        VersionStage: 'AWSCURRENT',
        MoveToVersionId: pending.VersionId,
        RemoveFromVersionId: VersionId,
      }),
    )
    expect([
      await value({ SecretId }),
      await value({ SecretId, VersionStage: 'AWSPREVIOUS' }),
    ]).toEqual(['two', 'one'])
  })

  it('answers a repeated PutSecretValue, and rejects another value', async () => {
    const { SecretId } = await create()
    const put = (SecretString: string, ClientRequestToken: string) =>
      client.send(new PutSecretValueCommand({ SecretId, SecretString, ClientRequestToken }))
    const token = randomUUID()
    const [first, again] = [await put('two', token), await put('two', token)]
    expect(again.VersionId).toBe(first.VersionId)
    expect(await refusal(put('three', token))).toMatch(/^ResourceExistsException/)
  })

  it('answers a repeated CreateSecret, and rejects another value', async () => {
    const ClientRequestToken = randomUUID()
    const first = await create({ ClientRequestToken })
    const again = (SecretString: string) =>
      client.send(
        new CreateSecretCommand({ Name: first.SecretId, SecretString, ClientRequestToken }),
      )
    expect(await again('one')).toMatchObject({ ARN: first.ARN, VersionId: ClientRequestToken })
    expect(await refusal(again('two'))).toMatch(/^ResourceExistsException/)
    kms.faults.add({ kind: 'reset', when: 'before', operation: 'CreateSecret', times: 1 })
    expect(await value(await create())).toBe('one')
  })

  it('releases its name only after its deletion', async () => {
    const { SecretId } = await create()
    await succeed(kms, 'secretsmanager:DeleteSecret', { SecretId, RecoveryWindowInDays: 7 })
    const again = () =>
      call(
        kms,
        'secretsmanager:CreateSecret',
        { Name: SecretId, SecretString: 'two', ClientRequestToken: randomUUID() },
        { signedAt: Date.now() + kms.faults.clockOffsetMs },
      )
    expect((await again()).type).toBe('InvalidRequestException')
    kms.faults.clockOffsetMs = 8 * 86_400_000
    expect((await again()).status).toBe(200)
    kms.faults.clockOffsetMs = 0
  })

  it('fails with the errors of Secrets Manager', async () => {
    const { SecretId } = await create()
    expect(
      await refusal(client.send(new CreateSecretCommand({ Name: SecretId, SecretString: 'x' }))),
    ).toBe(
      `ResourceExistsException: The operation failed because the secret ${SecretId} already exists.`,
    )
    expect(await refusal(value({ SecretId: 'nowhere' }))).toBe(
      "ResourceNotFoundException: Secrets Manager can't find the specified secret.",
    )
    expect(await refusal(value({ SecretId, VersionStage: 'AWSPREVIOUS' }))).toBe(
      "ResourceNotFoundException: Secrets Manager can't find the specified secret value for staging label: AWSPREVIOUS",
    )
    await succeed(kms, 'secretsmanager:DeleteSecret', { SecretId })
    expect(await refusal(value({ SecretId }))).toMatch(/^InvalidRequestException/)
  })

  it('needs its customer managed key', async () => {
    const { arn: KmsKeyId } = await kms.createKey()
    const { SecretId } = await create({ KmsKeyId })
    const { credentials } = kms.createUser({
      name: 'reader',
      policies: [
        {
          Version: '2012-10-17',
          Statement: [{ Effect: 'Allow', Action: 'secretsmanager:*', Resource: '*' }],
        },
      ],
    })
    const read = () => call(kms, 'secretsmanager:GetSecretValue', { SecretId }, { credentials })
    const refused = await read()
    expect([refused.type, refused.body['Message']]).toEqual([
      'AccessDeniedException',
      'Access to KMS is not allowed',
    ])
    await succeed(kms, 'DisableKey', { KeyId: KmsKeyId })
    expect(await refusal(value({ SecretId }))).toMatch(/^DecryptionFailure/)
    const own = await create()
    expect(
      (
        await call(
          kms,
          'secretsmanager:GetSecretValue',
          { SecretId: own.SecretId },
          { credentials },
        )
      ).status,
    ).toBe(200)
  })
})
