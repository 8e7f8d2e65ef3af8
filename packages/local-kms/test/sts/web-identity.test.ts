import {
  AssumeRoleWithWebIdentityCommand,
  GetCallerIdentityCommand,
  STSClient,
} from '@aws-sdk/client-sts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  startLocalKms,
  type Credentials,
  type LocalKms,
  type OidcProvider,
} from '../../src/index.js'

const ISSUER = 'token.actions.githubusercontent.com'
let kms: LocalKms
let provider: OidcProvider
let RoleArn: string
beforeAll(async () => {
  kms = await startLocalKms()
  provider = kms.createOidcProvider(`https://${ISSUER}`)
  const statement = {
    Effect: 'Allow',
    Principal: { Federated: provider.arn },
    Action: 'sts:AssumeRoleWithWebIdentity',
    Condition: {
      StringEquals: { [`${ISSUER}:aud`]: 'sts.amazonaws.com' },
      StringLike: { [`${ISSUER}:sub`]: 'repo:acme/orders:*' },
    },
  }
  RoleArn = kms.createRole({
    name: 'build',
    trust: { Version: '2012-10-17', Statement: [statement] },
  }).arn
})
afterAll(() => kms.close())

const aud = 'sts.amazonaws.com'
const sub = 'repo:acme/orders:ref:refs/heads/main'
const sts = (credentials: Credentials = { accessKeyId: 'none', secretAccessKey: 'none' }) =>
  new STSClient({ endpoint: kms.url, region: kms.region, credentials })
const assume = (WebIdentityToken: string, role = RoleArn) =>
  sts().send(
    new AssumeRoleWithWebIdentityCommand({
      RoleArn: role,
      RoleSessionName: 'ci',
      WebIdentityToken,
    }),
  )
const refusal = (token: string, role?: string) =>
  assume(token, role).then(
    () => 'none',
    (error: Error) => error.name,
  )

describe('AssumeRoleWithWebIdentity', () => {
  test('gives a session of the role to whom its trust policy describes, unsigned', async () => {
    const { Credentials: given, SubjectFromWebIdentityToken } = await assume(
      provider.token({ sub, aud }),
    )
    expect(SubjectFromWebIdentityToken).toBe(sub)
    const { Arn } = await sts({
      accessKeyId: given!.AccessKeyId!,
      secretAccessKey: given!.SecretAccessKey!,
      sessionToken: given!.SessionToken!,
    }).send(new GetCallerIdentityCommand({}))
    expect(Arn).toBe('arn:aws:sts::111122223333:assumed-role/build/ci')
    expect(kms.journal.find(({ operation }) => operation.startsWith('AssumeRoleW'))).toMatchObject({
      principal: `${ISSUER}:${aud}:${sub}`,
      resource: RoleArn,
    })
  })

  test('is refused to another repository, for another audience, and of a role that trusts no provider', async () => {
    const denied = 'AccessDenied'
    expect(await refusal(provider.token({ sub: 'repo:mallory/orders:x', aud }))).toBe(denied)
    expect(await refusal(provider.token({ sub, aud: 'elsewhere' }))).toBe(denied)
    const other = kms.createRole({ name: 'plain' }).arn
    expect(await refusal(provider.token({ sub, aud }), other)).toBe(denied)
  })

  test('is refused to a token that is altered, expired, or another provider’s', async () => {
    const [head, , signature] = provider.token({ sub: 'repo:mallory/x:y', aud }).split('.')
    const [, body] = provider.token({ sub, aud }).split('.')
    expect(await refusal([head, body, signature].join('.'))).toBe('InvalidIdentityTokenException')
    expect(await refusal(provider.token({ sub, aud, exp: 1 }))).toMatch(/^ExpiredToken/)
    const stranger = await startLocalKms()
    try {
      const token = stranger.createOidcProvider(`https://${ISSUER}`).token({ sub, aud })
      expect(await refusal(token)).toBe('InvalidIdentityTokenException')
    } finally {
      await stranger.close()
    }
  })
})
