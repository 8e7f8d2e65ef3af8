import {
  AssumeRoleWithWebIdentityCommand,
  GetCallerIdentityCommand,
  STSClient,
} from '@aws-sdk/client-sts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
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
  it('returns a session of the role for an unsigned request that it trusts', async () => {
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

  it('denies other subjects, other audiences, and roles without a provider', async () => {
    const denied = 'AccessDenied'
    expect(await refusal(provider.token({ sub: 'repo:mallory/orders:x', aud }))).toBe(denied)
    expect(await refusal(provider.token({ sub, aud: 'elsewhere' }))).toBe(denied)
    const other = kms.createRole({ name: 'plain' }).arn
    expect(await refusal(provider.token({ sub, aud }), other)).toBe(denied)
  })

  it('rejects a token that is changed, expired, or of another provider', async () => {
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
