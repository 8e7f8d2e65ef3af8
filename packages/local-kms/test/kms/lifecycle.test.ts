import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startLocalKms, type LocalKms } from '../../src/index.js'
import { base64, call, succeed } from '../call.js'

let kms: LocalKms
beforeEach(async () => {
  kms = await startLocalKms()
})
afterEach(() => kms.close())

const DAY = 86_400_000

/** Advances the service's clock. Requests are signed with its time. */
const pass = (days: number): void => {
  kms.faults.clockOffsetMs += days * DAY
}
const at = () => ({ signedAt: Date.now() + kms.faults.clockOffsetMs })

async function encrypt(KeyId: string, region = kms.region): Promise<string> {
  const request = { KeyId, Plaintext: base64('secret') }
  return (await succeed(kms, 'Encrypt', request, { ...at(), region }))['CiphertextBlob'] as string
}

const decrypt = (CiphertextBlob: string, region = kms.region) =>
  call(kms, 'Decrypt', { CiphertextBlob }, { ...at(), region })

const describeKey = async (KeyId: string, region = kms.region) =>
  (await succeed(kms, 'DescribeKey', { KeyId }, { ...at(), region }))['KeyMetadata'] as Record<
    string,
    unknown
  >

describe('rotation', () => {
  it('on demand adds key material, and older ciphertexts still decrypt', async () => {
    const { keyId } = await kms.createKey()
    const before = await encrypt(keyId)
    await succeed(kms, 'RotateKeyOnDemand', { KeyId: keyId })
    const after = await encrypt(keyId)
    const [old, now] = [(await decrypt(before)).body, (await decrypt(after)).body]
    expect([old['Plaintext'], now['Plaintext']]).toEqual([base64('secret'), base64('secret')])
    expect(old['KeyMaterialId']).not.toBe(now['KeyMaterialId'])
    expect((await describeKey(keyId))['CurrentKeyMaterialId']).toBe(now['KeyMaterialId'])
  })

  it('is off until it is enabled, and then rotates after its period', async () => {
    const { keyId: KeyId } = await kms.createKey()
    const status = () => succeed(kms, 'GetKeyRotationStatus', { KeyId }, at())
    expect(await status()).toMatchObject({ KeyRotationEnabled: false })
    await succeed(kms, 'EnableKeyRotation', { KeyId, RotationPeriodInDays: 90 })
    expect(await status()).toMatchObject({ KeyRotationEnabled: true, RotationPeriodInDays: 90 })
    const before = await encrypt(KeyId)
    pass(91)
    const after = await encrypt(KeyId)
    expect((await decrypt(before)).body['KeyMaterialId']).not.toBe(
      (await decrypt(after)).body['KeyMaterialId'],
    )
    await succeed(kms, 'DisableKeyRotation', { KeyId }, at())
    expect(await status()).toMatchObject({ KeyRotationEnabled: false })
  })

  it('has a period of 90 to 2560 days', async () => {
    const { keyId: KeyId } = await kms.createKey()
    const { type } = await call(kms, 'EnableKeyRotation', { KeyId, RotationPeriodInDays: 89 })
    expect(type).toBe('ValidationException')
  })
})

describe('deletion', () => {
  it('has a waiting period, can be cancelled, and is final afterwards', async () => {
    const { keyId: KeyId } = await kms.createKey({ alias: 'alias/gone' })
    const ciphertext = await encrypt(KeyId)
    const scheduled = await succeed(kms, 'ScheduleKeyDeletion', { KeyId, PendingWindowInDays: 7 })
    expect(scheduled).toMatchObject({ KeyState: 'PendingDeletion', PendingWindowInDays: 7 })
    expect(await describeKey(KeyId)).toMatchObject({ KeyState: 'PendingDeletion', Enabled: false })

    await succeed(kms, 'CancelKeyDeletion', { KeyId })
    expect(await describeKey(KeyId)).toMatchObject({ KeyState: 'Disabled' })
    expect((await decrypt(ciphertext)).type).toBe('DisabledException')
    await succeed(kms, 'EnableKey', { KeyId })
    expect((await decrypt(ciphertext)).status).toBe(200)

    await succeed(kms, 'ScheduleKeyDeletion', { KeyId, PendingWindowInDays: 7 })
    pass(6)
    expect((await decrypt(ciphertext)).type).toBe('KMSInvalidStateException')
    pass(2)
    expect((await decrypt(ciphertext)).type).toBe('AccessDeniedException')
    expect((await call(kms, 'DescribeKey', { KeyId: 'alias/gone' }, at())).type).toBe(
      'NotFoundException',
    )
    expect(await succeed(kms, 'ListKeys', {}, at())).toMatchObject({ Keys: [] })
    expect(await succeed(kms, 'ListAliases', {}, at())).toMatchObject({ Aliases: [] })
  })

  it.each([6, 31])('rejects a waiting period of %i days', async (PendingWindowInDays) => {
    const { keyId: KeyId } = await kms.createKey()
    const { type } = await call(kms, 'ScheduleKeyDeletion', { KeyId, PendingWindowInDays })
    expect(type).toBe('ValidationException')
  })

  it('of a multi-Region primary waits for its replicas', async () => {
    const { keyId: KeyId } = await kms.createKey({ multiRegion: true })
    await succeed(kms, 'ReplicateKey', { KeyId, ReplicaRegion: 'eu-west-1' })
    const primary = await succeed(kms, 'ScheduleKeyDeletion', { KeyId, PendingWindowInDays: 9 })
    expect(primary).toMatchObject({ KeyState: 'PendingReplicaDeletion' })
    expect(await describeKey(KeyId)).toMatchObject({ PendingDeletionWindowInDays: 9 })
    await succeed(
      kms,
      'ScheduleKeyDeletion',
      { KeyId, PendingWindowInDays: 7 },
      { region: 'eu-west-1' },
    )
    pass(8)
    expect(await describeKey(KeyId)).toMatchObject({
      KeyState: 'PendingDeletion',
      MultiRegionConfiguration: { ReplicaKeys: [] },
    })
    expect((await call(kms, 'DescribeKey', { KeyId }, { ...at(), region: 'eu-west-1' })).type).toBe(
      'NotFoundException',
    )
    pass(7)
    expect(await describeKey(KeyId)).toMatchObject({ KeyState: 'PendingDeletion' })
    pass(2)
    expect((await call(kms, 'DescribeKey', { KeyId }, at())).type).toBe('NotFoundException')
  })

  it('happens at its date, even without a call at that time', async () => {
    const { keyId: KeyId } = await kms.createKey({ multiRegion: true })
    await succeed(kms, 'ReplicateKey', { KeyId, ReplicaRegion: 'eu-west-1' })
    const request = { KeyId, PendingWindowInDays: 7 }
    for (const region of ['us-east-1', 'eu-west-1']) {
      await succeed(kms, 'ScheduleKeyDeletion', request, { region })
    }
    pass(15)
    expect((await call(kms, 'DescribeKey', { KeyId }, at())).type).toBe('NotFoundException')
  })
})

describe('a multi-Region key', () => {
  it('decrypts ciphertexts of the other region, in both directions', async () => {
    const { keyId, arn } = await kms.createKey({ multiRegion: true })
    expect(keyId).toMatch(/^mrk-[0-9a-f]{32}$/)
    const here = await encrypt(keyId)
    expect((await decrypt(here, 'eu-west-1')).type).toBe('AccessDeniedException')
    const answer = await succeed(kms, 'ReplicateKey', { KeyId: keyId, ReplicaRegion: 'eu-west-1' })
    expect(answer['ReplicaKeyMetadata']).toMatchObject({
      MultiRegionConfiguration: { MultiRegionKeyType: 'REPLICA', PrimaryKey: { Arn: arn } },
    })
    const replicaArn = arn.replace('us-east-1', 'eu-west-1')
    expect((await decrypt(here, 'eu-west-1')).body).toMatchObject({
      Plaintext: base64('secret'),
      KeyId: replicaArn,
    })
    const there = await encrypt(keyId, 'eu-west-1')
    expect((await decrypt(there)).body).toMatchObject({ Plaintext: base64('secret'), KeyId: arn })
    expect(await describeKey(keyId)).toMatchObject({
      MultiRegionConfiguration: { ReplicaKeys: [{ Region: 'eu-west-1', Arn: replicaArn }] },
    })
  })

  it('has a state and policy per region, and shares its key material', async () => {
    const { keyId: KeyId } = await kms.createKey({ multiRegion: true })
    await succeed(kms, 'ReplicateKey', { KeyId, ReplicaRegion: 'eu-west-1' })
    await succeed(kms, 'DisableKey', { KeyId })
    await succeed(kms, 'EnableKey', { KeyId })
    await succeed(kms, 'RotateKeyOnDemand', { KeyId })
    const rotated = await encrypt(KeyId)
    await succeed(kms, 'DisableKey', { KeyId })
    expect((await decrypt(rotated)).type).toBe('DisabledException')
    expect((await decrypt(rotated, 'eu-west-1')).status).toBe(200)
    const onReplica = { region: 'eu-west-1' }
    const { type } = await call(kms, 'RotateKeyOnDemand', { KeyId }, onReplica)
    expect(type).toBe('UnsupportedOperationException')
  })

  it('is replicated once per region, and only from its primary', async () => {
    const { keyId: KeyId } = await kms.createKey({ multiRegion: true })
    const request = { KeyId, ReplicaRegion: 'eu-west-1' }
    await succeed(kms, 'ReplicateKey', request)
    expect((await call(kms, 'ReplicateKey', request)).type).toBe('AlreadyExistsException')
    const single = { KeyId: (await kms.createKey()).keyId, ReplicaRegion: 'eu-west-1' }
    expect((await call(kms, 'ReplicateKey', single)).type).toBe('UnsupportedOperationException')
  })
})

it('needs kms:CreateKey in the region of the replica', async () => {
  const { keyId: KeyId } = await kms.createKey({ multiRegion: true })
  const as = (name: string, createIn: string) => {
    const RequestedRegion = { StringEquals: { 'aws:RequestedRegion': createIn } }
    const Statement = [
      { Effect: 'Allow', Action: 'kms:ReplicateKey', Resource: '*' },
      { Effect: 'Allow', Action: 'kms:CreateKey', Resource: '*', Condition: RequestedRegion },
    ]
    return kms.createUser({ name, policies: [{ Version: '2012-10-17', Statement }] }).credentials
  }
  const replicate = async (credentials: ReturnType<typeof as>, Tags?: object[]) => {
    const request = { KeyId, ReplicaRegion: 'eu-west-1', ...(Tags && { Tags }) }
    return (await call(kms, 'ReplicateKey', request, { credentials })).type
  }
  const there = as('there', 'eu-west-1')
  expect(await replicate(as('here', 'us-east-1'))).toBe('AccessDeniedException')
  const tags = [{ TagKey: 'team', TagValue: 'a' }]
  expect(await replicate(there, tags)).toBe('AccessDeniedException')
  expect(await replicate(there)).toBe(undefined)
})

it('needs kms:TagResource for tags of a new key', async () => {
  const Statement = [{ Effect: 'Allow', Action: 'kms:CreateKey', Resource: '*' }]
  const policies = [{ Version: '2012-10-17', Statement }]
  const { credentials } = kms.createUser({ name: 'maker', policies })
  const Tags = [{ TagKey: 'team', TagValue: 'a' }]
  const { type } = await call(kms, 'CreateKey', { Tags }, { credentials })
  expect(type).toBe('AccessDeniedException')
  expect((await call(kms, 'CreateKey', {}, { credentials })).status).toBe(200)
})

describe('aliases', () => {
  it('can point to another key; older ciphertexts need the old key', async () => {
    const [a, b] = [await kms.createKey({ alias: 'alias/app' }), await kms.createKey()]
    const ciphertext = await encrypt('alias/app')
    await succeed(kms, 'UpdateAlias', { AliasName: 'alias/app', TargetKeyId: b.keyId })
    const named = await call(kms, 'Decrypt', { CiphertextBlob: ciphertext, KeyId: 'alias/app' })
    expect(named.type).toBe('IncorrectKeyException')
    expect((await decrypt(ciphertext)).body['KeyId']).toBe(a.arn)
  })

  it.each([
    ['alias/aws/mine', 'NotAuthorizedException'],
    ['app', 'ValidationException'],
    ['alias/', 'InvalidAliasNameException'],
    ['alias/a b', 'ValidationException'],
  ])('cannot have the name %s: %s', async (AliasName, type) => {
    const { keyId: TargetKeyId } = await kms.createKey()
    expect((await call(kms, 'CreateAlias', { AliasName, TargetKeyId })).type).toBe(type)
  })

  it('cannot point to other aliases', async () => {
    await kms.createKey({ alias: 'alias/app' })
    const request = { AliasName: 'alias/other', TargetKeyId: 'alias/app' }
    const { type, body } = await call(kms, 'CreateAlias', request)
    expect(`${type}: ${body['message']}`).toBe(
      'ValidationException: Aliases must refer to keys. Not aliases',
    )
  })

  it('are unique per region', async () => {
    await kms.createKey({ alias: 'alias/app' })
    await kms.createKey({ alias: 'alias/app', region: 'eu-west-1' })
    const { keyId: TargetKeyId } = await kms.createKey()
    const { type } = await call(kms, 'CreateAlias', { AliasName: 'alias/app', TargetKeyId })
    expect(type).toBe('AlreadyExistsException')
  })

  it('move between keys of the same type only', async () => {
    await kms.createKey({ alias: 'alias/app' })
    const { keyId: TargetKeyId } = await kms.createKey({ spec: 'RSA_2048' })
    const { type } = await call(kms, 'UpdateAlias', { AliasName: 'alias/app', TargetKeyId })
    expect(type).toBe('ValidationException')
    await succeed(kms, 'DeleteAlias', { AliasName: 'alias/app' })
    await succeed(kms, 'CreateAlias', { AliasName: 'alias/app', TargetKeyId })
  })

  it('are listed by 50 and at most 100, keys by 100 and at most 1000', async () => {
    const { keyId: TargetKeyId } = await kms.createKey()
    for (let i = 0; i < 51; i += 1) {
      await succeed(kms, 'CreateAlias', { AliasName: `alias/${i}`, TargetKeyId })
      await kms.createKey()
      await kms.createKey()
    }
    expect((await succeed(kms, 'ListAliases'))['Aliases']).toHaveLength(50)
    expect((await succeed(kms, 'ListKeys'))['Keys']).toHaveLength(100)
    expect((await succeed(kms, 'ListKeys', { Limit: 1000 }))['Keys']).toHaveLength(103)
    for (const [list, Limit] of [
      ['ListAliases', 101],
      ['ListKeys', 1001],
      ['ListKeys', 0],
    ] as const) {
      expect((await call(kms, list, { Limit })).type).toBe('ValidationException')
    }
  })

  it('are all listed even if one is deleted between two pages', async () => {
    const { keyId: TargetKeyId } = await kms.createKey()
    for (const name of ['a', 'b', 'c', 'd']) {
      await succeed(kms, 'CreateAlias', { AliasName: `alias/${name}`, TargetKeyId })
    }
    const first = await succeed(kms, 'ListAliases', { Limit: 2 })
    for (const name of ['a', 'b']) await succeed(kms, 'DeleteAlias', { AliasName: `alias/${name}` })
    const second = await succeed(kms, 'ListAliases', { Marker: first['NextMarker'] })
    expect(second).toMatchObject({
      Aliases: [{ AliasName: 'alias/c' }, { AliasName: 'alias/d' }],
      Truncated: false,
    })
  })

  it('are listed in pages, as keys are', async () => {
    for (let i = 0; i < 5; i += 1) await kms.createKey({ alias: `alias/${i}` })
    const seen: unknown[] = []
    let Marker: unknown
    do {
      const page = await succeed(kms, 'ListAliases', {
        Limit: 2,
        ...(Marker !== undefined && { Marker }),
      })
      seen.push(...(page['Aliases'] as { AliasName: string }[]).map((alias) => alias.AliasName))
      Marker = page['NextMarker']
      expect(page['Truncated']).toBe(Marker !== undefined)
    } while (Marker !== undefined)
    expect(seen).toEqual(['alias/0', 'alias/1', 'alias/2', 'alias/3', 'alias/4'])
    expect((await call(kms, 'ListKeys', { Marker: 'x' })).type).toBe('InvalidMarkerException')
  })
})
