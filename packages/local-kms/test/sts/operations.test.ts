import {
  AssumeRoleCommand,
  GetCallerIdentityCommand,
  GetSessionTokenCommand,
  STSClient,
  type Credentials as StsCredentials,
} from '@aws-sdk/client-sts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startLocalKms, type Credentials, type LocalKms } from '../../src/index.js'
import { call } from '../call.js'

let kms: LocalKms
beforeAll(async () => {
  kms = await startLocalKms()
})
afterAll(() => kms.close())

const client = (credentials: Credentials = kms.admin.credentials): STSClient =>
  new STSClient({ endpoint: kms.url, region: kms.region, credentials })

const issued = (credentials: StsCredentials | undefined): Credentials => ({
  accessKeyId: credentials?.AccessKeyId as string,
  secretAccessKey: credentials?.SecretAccessKey as string,
  sessionToken: credentials?.SessionToken as string,
})

const refusal = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'none',
    (error: Error & { $metadata?: { httpStatusCode?: number } }) =>
      `${error.$metadata?.httpStatusCode} ${error.name}`,
  )

const allow = (Action: string, Condition?: object): object => ({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action, Resource: '*', ...(Condition && { Condition }) }],
})

describe('GetCallerIdentity', () => {
  it('returns the user, without any permission', async () => {
    const { arn, credentials } = kms.createUser({ name: 'plain' })
    const identity = await client(credentials).send(new GetCallerIdentityCommand({}))
    expect(identity).toMatchObject({
      Arn: arn,
      Account: '111122223333',
      UserId: expect.stringMatching(/^AIDA/),
    })
  })

  it('fails with the errors and statuses of STS', async () => {
    const { credentials } = kms.admin
    const ask = (other: Partial<Credentials>) =>
      refusal(client({ ...credentials, ...other }).send(new GetCallerIdentityCommand({})))
    expect(await ask({ secretAccessKey: 'x' })).toBe('403 SignatureDoesNotMatch')
    expect(await ask({ accessKeyId: 'AKIAX' })).toBe('403 InvalidClientTokenId')
    expect(await ask({ sessionToken: 'x' })).toBe('403 InvalidClientTokenId')
  })
})

const assume = (who: Credentials, RoleArn: string): Promise<string> =>
  refusal(client(who).send(new AssumeRoleCommand({ RoleArn, RoleSessionName: 'xx' })))

describe('AssumeRole', () => {
  it("returns a session with the role's policies", async () => {
    const role = kms.createRole({ name: 'app', policies: [allow('kms:ListKeys')] })
    const request = { RoleArn: role.arn, RoleSessionName: 'build-7', DurationSeconds: 900 }
    const answer = await client().send(new AssumeRoleCommand(request))
    const arn = 'arn:aws:sts::111122223333:assumed-role/app/build-7'
    expect(answer.AssumedRoleUser?.Arn).toBe(arn)
    const credentials = issued(answer.Credentials)
    const identity = await client(credentials).send(new GetCallerIdentityCommand({}))
    expect(identity).toMatchObject({ Arn: arn, UserId: expect.stringMatching(/^AROA\w+:build-7$/) })
    expect((await call(kms, 'ListKeys', {}, { credentials })).status).toBe(200)
    expect((await call(kms, 'ListAliases', {}, { credentials })).type).toBe('AccessDeniedException')
  })

  it('needs the trust policy, and an IAM policy if it trusts the account', async () => {
    const friend = kms.createUser({ name: 'friend' })
    const trust = {
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Principal: { AWS: friend.arn }, Action: 'sts:AssumeRole' }],
    }
    const picky = kms.createRole({ name: 'picky', trust })
    const open = kms.createRole({ name: 'open' })
    expect(await assume(friend.credentials, picky.arn)).toBe('none')
    expect(await assume(kms.admin.credentials, picky.arn)).toBe('403 AccessDenied')
    expect(await assume(friend.credentials, open.arn)).toBe('403 AccessDenied')
    expect(await assume(kms.admin.credentials, open.arn)).toBe('none')
    expect(await assume(kms.admin.credentials, `${open.arn}-missing`)).toBe('403 AccessDenied')
  })

  it('can require an external id', async () => {
    const statement = {
      Effect: 'Allow',
      Principal: { AWS: kms.admin.arn },
      Action: 'sts:AssumeRole',
      Condition: { StringEquals: { 'sts:ExternalId': 'tenant-1' } },
    }
    const trust = { Version: '2012-10-17', Statement: [statement] }
    const { arn: RoleArn } = kms.createRole({ name: 'external', trust })
    const assume = (ExternalId: string) =>
      refusal(client().send(new AssumeRoleCommand({ RoleArn, RoleSessionName: 'xx', ExternalId })))
    expect([await assume('tenant-1'), await assume('tenant-2')]).toEqual([
      'none',
      '403 AccessDenied',
    ])
  })

  it('accepts durations of 15 minutes to one hour', async () => {
    const { arn: RoleArn } = kms.createRole({ name: 'timed' })
    const assume = (DurationSeconds: number) =>
      refusal(
        client().send(new AssumeRoleCommand({ RoleArn, RoleSessionName: 'xx', DurationSeconds })),
      )
    expect([await assume(899), await assume(3601)]).toEqual([
      '400 ValidationError',
      '400 ValidationError',
    ])
  })
})

describe('GetSessionToken', () => {
  it('returns a session of the user, which cannot get another session', async () => {
    const { Credentials: given } = await client().send(new GetSessionTokenCommand({}))
    const credentials = issued(given)
    const identity = await client(credentials).send(new GetCallerIdentityCommand({}))
    expect(identity.Arn).toBe(kms.admin.arn)
    expect(await refusal(client(credentials).send(new GetSessionTokenCommand({})))).toBe(
      '403 AccessDenied',
    )
  })

  it('accepts each code of an MFA device once, and satisfies MFA conditions', async () => {
    const needsMfa = { Bool: { 'aws:MultiFactorAuthPresent': 'true' } }
    const user = kms.createUser({
      name: 'careful',
      mfa: true,
      policies: [allow('kms:ListKeys', needsMfa)],
    })
    const listKeys = async (credentials: Credentials) =>
      (await call(kms, 'ListKeys', {}, { credentials })).status
    const token = (SerialNumber: string, TokenCode: string) =>
      client(user.credentials).send(new GetSessionTokenCommand({ SerialNumber, TokenCode }))
    const { serialNumber, code } = user.mfa!

    expect(await listKeys(user.credentials)).toBe(400)
    const wrong = String((Number(code()) + 1) % 1_000_000).padStart(6, '0')
    expect(await refusal(token(serialNumber, wrong))).toBe('403 AccessDenied')
    expect(await refusal(token(`${serialNumber}x`, code()))).toBe('403 AccessDenied')
    const now = code()
    const { Credentials: given } = await token(serialNumber, now)
    expect(await listKeys(issued(given))).toBe(200)
    expect(await refusal(token(serialNumber, now))).toBe('403 AccessDenied')
  })
})
