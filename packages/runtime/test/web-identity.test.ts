import { fromTokenFile as sdkProvider } from '@aws-sdk/credential-provider-web-identity'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { configure } from '../src/configure.js'
import { direct } from '../src/shim.js'
import { fromTokenFile } from '../src/web-identity.js'
import { CONTEXT, PATIENT, useKms } from './world.js'

const world = useKms()
let tokenFile: string
let token: string

beforeEach(() => {
  const oidc = world.kms.createOidcProvider('https://oidc.eks.us-east-1.amazonaws.com/id/1234')
  token = oidc.token({ sub: 'system:serviceaccount:default:orders', aud: 'sts.amazonaws.com' })
  const role = world.kms.createRole({
    name: 'orders',
    trust: {
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Principal: { Federated: oidc.arn },
          Action: 'sts:AssumeRoleWithWebIdentity',
        },
      ],
    },
    policies: [
      {
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Action: 'kms:Decrypt', Resource: '*' }],
      },
    ],
  })
  tokenFile = join(mkdtempSync(join(tmpdir(), 'token-')), 'token')
  writeFileSync(tokenFile, `${token}\n`)
  for (const name of ['ACCESS_KEY_ID', 'SECRET_ACCESS_KEY']) vi.stubEnv(`AWS_${name}`, '')
  vi.stubEnv('AWS_ENDPOINT_URL', world.kms.url)
  vi.stubEnv('AWS_REGION', 'us-east-1')
  vi.stubEnv('AWS_ROLE_ARN', role.arn)
  vi.stubEnv('AWS_WEB_IDENTITY_TOKEN_FILE', tokenFile)
})
afterEach(() => {
  vi.unstubAllEnvs()
  configure({ credentials: undefined })
})

const sessions = () =>
  world.kms.journal.filter(({ operation }) => operation === 'AssumeRoleWithWebIdentity')

describe('fromTokenFile', () => {
  it('opens secrets as the role of the service account', async () => {
    configure({ credentials: fromTokenFile({ roleSessionName: 'pod' }) })
    const [first, second] = [await world.encrypt('a'), await world.encrypt('b')]
    expect(await direct([first], CONTEXT, 'A', undefined, PATIENT)).toBe('a')
    expect(await direct([second], CONTEXT, 'B', undefined, PATIENT)).toBe('b')
    expect(sessions()).toHaveLength(1)
    expect(world.decrypts[0]).toMatchObject({
      principal: expect.stringContaining('assumed-role/orders/pod'),
    })
  })

  it('reads the same variables as the AWS SDK', async () => {
    vi.stubEnv('AWS_ROLE_SESSION_NAME', 'from-the-environment')
    const ours = await fromTokenFile()()
    const sdk = await sdkProvider({ clientConfig: { endpoint: world.kms.url } })()
    expect(Object.keys(ours)).toEqual(
      expect.arrayContaining(['accessKeyId', 'secretAccessKey', 'sessionToken', 'expiration']),
    )
    expect(ours.sessionToken).toBeTypeOf(typeof sdk.sessionToken)
    const requests = sessions().map(({ resource, principal }) => ({ resource, principal }))
    expect(requests[0]).toEqual(requests[1])
  })

  it('reads the token file again for each session', async () => {
    const provider = fromTokenFile()
    await provider()
    writeFileSync(tokenFile, 'not a token')
    await provider()
    expect(sessions()).toHaveLength(1)
    await expect(provider({ forceRefresh: true })).rejects.toMatchObject({
      code: 'CREDENTIALS_MISSING',
      why: expect.stringMatching(/^sts:AssumeRoleWithWebIdentity of arn:aws:iam::.*: 400 /),
    })
  })

  it('reports a role that does not trust the token, and shows no token', async () => {
    vi.stubEnv('AWS_ROLE_ARN', world.kms.createRole({ name: 'other' }).arn)
    configure({ credentials: fromTokenFile() })
    const error = await direct([await world.encrypt('a')], CONTEXT, 'A', undefined, PATIENT).catch(
      (caught: unknown) => caught,
    )
    expect(error).toMatchObject({
      code: 'CREDENTIALS_MISSING',
      message: expect.stringMatching(/AssumeRoleWithWebIdentity.*AccessDenied/),
    })
    expect(String(error)).not.toContain(token)
    expect(world.decrypts).toEqual([])
  })

  it.each([
    ['AWS_WEB_IDENTITY_TOKEN_FILE', ''],
    ['AWS_WEB_IDENTITY_TOKEN_FILE', '/does/not/exist'],
    ['AWS_ROLE_ARN', ''],
    ['AWS_REGION', ''],
  ])('names the variable %s when it is "%s"', async (name, value) => {
    vi.stubEnv(name, value)
    vi.stubEnv('AWS_DEFAULT_REGION', '')
    await expect(fromTokenFile()()).rejects.toMatchObject({
      code: 'CREDENTIALS_MISSING',
      why: expect.stringContaining(name),
    })
  })

  it('treats throttling of STS as a fault that may pass', async () => {
    world.kms.faults.add({ kind: 'throttle', operation: 'AssumeRoleWithWebIdentity', times: 1 })
    configure({ credentials: fromTokenFile() })
    expect(await direct([await world.encrypt('a')], CONTEXT, 'A', undefined, PATIENT)).toBe('a')
  })
})
