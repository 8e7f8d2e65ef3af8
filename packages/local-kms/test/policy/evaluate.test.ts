import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startLocalKms, type Credentials, type LocalKms, type Role } from '../../src/index.js'
import { base64, call, succeed, type CallOptions } from '../call.js'

let kms: LocalKms
let names = 0
beforeAll(async () => {
  kms = await startLocalKms()
})
afterAll(() => kms.close())

const ACCOUNT = '111122223333'
const ROOT = `arn:aws:iam::${ACCOUNT}:root`
const ADMIN = `arn:aws:iam::${ACCOUNT}:user/admin`

interface Allowance {
  Effect?: string
  Principal?: unknown
  NotPrincipal?: unknown
  Action?: string | string[]
  NotAction?: string
  Resource?: string | string[]
  Condition?: object
}

const policy = (...statements: Allowance[]): object => ({
  Version: '2012-10-17',
  Statement: statements.map((statement) => {
    const action = statement.NotAction === undefined ? { Action: 'kms:*' } : {}
    return Object.assign({ Effect: 'Allow', Resource: '*' }, action, statement)
  }),
})

/** Returns a key policy that allows the administrator to manage the key. */
const ADMINISTERED: Allowance = { Principal: { AWS: ADMIN } }
const DELEGATED: Allowance = { Principal: { AWS: ROOT } }

function role(...statements: Allowance[]): Role {
  const policies = statements.length > 0 ? [policy(...statements)] : []
  return kms.createRole({ name: `role-${(names += 1)}`, policies })
}

async function key(...statements: Allowance[]): Promise<string> {
  return (await kms.createKey({ policy: policy(...statements) })).arn
}

/** Calls Encrypt, and returns `allowed` or the error message. */
async function encrypt(
  KeyId: string,
  who: Role | Credentials,
  input: object = {},
  options: CallOptions = {},
): Promise<string> {
  const credentials = 'arn' in who ? kms.credentialsOf(who.arn) : who
  const request = { KeyId, Plaintext: base64('x'), ...input }
  const { status, type, body } = await call(kms, 'Encrypt', request, { credentials, ...options })
  if (status === 200) return 'allowed'
  expect([status, type]).toEqual([400, 'AccessDeniedException'])
  return String(body['Message']).replace(
    /^User: \S+ is not authorized to perform: \S+ on resource: \S+ /,
    '',
  )
}

const NO_IDENTITY = 'because no identity-based policy allows the kms:Encrypt action'
const NO_RESOURCE = 'because no resource-based policy allows the kms:Encrypt action'
const IDENTITY_DENY = 'with an explicit deny in an identity-based policy'
const RESOURCE_DENY = 'with an explicit deny in a resource-based policy'

describe('key policies together with IAM policies', () => {
  it('denies a role that only an IAM policy allows', async () => {
    expect(await encrypt(await key(ADMINISTERED), role({}))).toBe(NO_RESOURCE)
  })

  it('allows an IAM policy if the key policy delegates to the account', async () => {
    expect(await encrypt(await key(DELEGATED), role({}))).toBe('allowed')
  })

  it('treats an account id as the root of the account', async () => {
    expect(await encrypt(await key({ Principal: { AWS: ACCOUNT } }), role({}))).toBe('allowed')
  })

  it('denies a role without an IAM policy if the key policy only delegates', async () => {
    expect(await encrypt(await key(DELEGATED), role())).toBe(NO_IDENTITY)
  })

  it('allows a role that the key policy names without an IAM policy', async () => {
    const app = role()
    expect(await encrypt(await key(ADMINISTERED, { Principal: { AWS: app.arn } }), app)).toBe(
      'allowed',
    )
  })

  it('denies a role if the key policy names another role', async () => {
    const named = await key(ADMINISTERED, { Principal: { AWS: role().arn } })
    expect(await encrypt(named, role({}))).toBe(NO_RESOURCE)
  })

  it('allows one session of a role that the key policy names', async () => {
    const { name, arn } = role()
    const session = `arn:aws:sts::${ACCOUNT}:assumed-role/${name}/one`
    const named = await key(ADMINISTERED, { Principal: { AWS: session } })
    const as = (sessionName: string) => kms.credentialsOf(arn, { sessionName })
    expect(await encrypt(named, as('one'))).toBe('allowed')
    expect(await encrypt(named, as('two'))).toBe(NO_RESOURCE)
  })

  it('allows every principal of the account for the principal *', async () => {
    expect(await encrypt(await key({ Principal: '*' }), role())).toBe('allowed')
  })

  it('delegates only the actions of the statement', async () => {
    const readOnly = await key(ADMINISTERED, { ...DELEGATED, Action: 'kms:Decrypt' })
    expect(await encrypt(readOnly, role({}))).toBe(NO_RESOURCE)
  })

  it('denies if either policy has an explicit deny', async () => {
    const app = role({}, { Effect: 'Deny', Action: 'kms:Encrypt' })
    const named: Allowance = { Principal: { AWS: app.arn } }
    expect(await encrypt(await key(DELEGATED, named), app)).toBe(IDENTITY_DENY)
    const other = role({})
    const denies = await key(
      DELEGATED,
      { ...named, Principal: { AWS: other.arn } },
      {
        Effect: 'Deny',
        Principal: '*',
        Action: 'kms:Encrypt',
      },
    )
    expect(await encrypt(denies, other)).toBe(RESOURCE_DENY)
  })

  it('denies the others with NotPrincipal', async () => {
    const one = role({})
    const others = {
      Effect: 'Deny',
      Action: 'kms:Encrypt',
      NotPrincipal: { AWS: [one.arn, ADMIN] },
    }
    const denies = await key(DELEGATED, others)
    expect(await encrypt(denies, one)).toBe('allowed')
    expect(await encrypt(denies, role({}))).toBe(RESOURCE_DENY)
  })

  it('limits a role by its session policy', async () => {
    const app = role({})
    const assume = async (Policy: object): Promise<Credentials> => {
      const { STSClient, AssumeRoleCommand } = await import('@aws-sdk/client-sts')
      const client = new STSClient({
        endpoint: kms.url,
        region: kms.region,
        credentials: kms.admin.credentials,
      })
      const request = {
        RoleArn: app.arn,
        RoleSessionName: 'narrow',
        Policy: JSON.stringify(Policy),
      }
      const { Credentials: c } = await client.send(new AssumeRoleCommand(request))
      return {
        accessKeyId: c?.AccessKeyId as string,
        secretAccessKey: c?.SecretAccessKey as string,
        sessionToken: c?.SessionToken as string,
      }
    }
    const narrow = await assume(policy({ Action: 'kms:Decrypt' }))
    const wide = await assume(policy({}))
    const both = await key(DELEGATED, { Principal: { AWS: app.arn } })
    expect(await encrypt(both, narrow)).toBe(NO_IDENTITY)
    expect(await encrypt(both, wide)).toBe('allowed')
  })

  it('does not name the key in a denied Decrypt', async () => {
    const forgetful = await key(ADMINISTERED)
    const { CiphertextBlob } = await succeed(kms, 'Encrypt', {
      KeyId: forgetful,
      Plaintext: base64('x'),
    })
    const as = (who: Role) => ({ credentials: kms.credentialsOf(who.arn) })
    const refused = await call(kms, 'Decrypt', { CiphertextBlob }, as(role({})))
    expect(refused.type).toBe('AccessDeniedException')
    expect(refused.body['Message']).toMatch(
      /kms:Decrypt on the resource associated with this ciphertext because the resource does not exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access$/,
    )
  })

  it('denies a key of another account', async () => {
    const foreign = 'arn:aws:kms:us-east-1:444455556666:key/1234abcd-12ab-34cd-56ef-1234567890ab'
    expect(await encrypt(foreign, kms.admin.credentials)).toBe(NO_RESOURCE)
  })
})

describe('actions and resources', () => {
  const cases: [string, Allowance, boolean][] = [
    ['the action itself', { Action: 'kms:Encrypt' }, true],
    ['the action in another case', { Action: 'KMS:encrypt' }, true],
    ['a wildcard for its end', { Action: 'kms:Enc*' }, true],
    ['a wildcard for one character', { Action: 'kms:Encryp?' }, true],
    ['one of several', { Action: ['kms:Decrypt', 'kms:Encrypt'] }, true],
    ['another action', { Action: 'kms:Decrypt' }, false],
    ['another service', { Action: 'ssm:*' }, false],
    ['all but another', { NotAction: 'kms:Decrypt' }, true],
    ['all but it', { NotAction: 'kms:Enc*' }, false],
    ['every key of the region', { Resource: `arn:aws:kms:us-east-1:${ACCOUNT}:key/*` }, true],
    ['every key of another region', { Resource: `arn:aws:kms:eu-west-1:${ACCOUNT}:key/*` }, false],
    [
      'an alias, which no resource of a key operation can be',
      { Resource: `arn:aws:kms:us-east-1:${ACCOUNT}:alias/*` },
      false,
    ],
  ]

  it.each(cases)('for %s: %o -> %s', async (_, statement, allowed) => {
    const app = role(statement)
    expect(await encrypt(await key(DELEGATED), app)).toBe(allowed ? 'allowed' : NO_IDENTITY)
  })

  it('denies a key that the IAM policy does not name', async () => {
    const mine = await key(DELEGATED)
    const app = role({ Resource: mine })
    expect(await encrypt(mine, app)).toBe('allowed')
    expect(await encrypt(await key(DELEGATED), app)).toBe(NO_IDENTITY)
  })

  it('needs a permission on the alias and on the key', async () => {
    const app = role({ Resource: 'arn:aws:kms:*:*:alias/*' })
    const both = role({ Action: 'kms:CreateAlias' })
    const TargetKeyId = await key(DELEGATED)
    const create = (who: Role) =>
      call(
        kms,
        'CreateAlias',
        { AliasName: `alias/${who.name}`, TargetKeyId },
        {
          credentials: kms.credentialsOf(who.arn),
        },
      )
    expect((await create(app)).type).toBe('AccessDeniedException')
    expect((await create(both)).status).toBe(200)
  })
})

const isTrue = async (Condition: object, input: object): Promise<boolean> =>
  (await encrypt(await key(DELEGATED), role({ Condition }), input)) === 'allowed'

describe('conditions', () => {
  const context = { app: 'orders', stage: 'prod' }
  const cases: [string, object, object, boolean][] = [
    [
      'StringEquals on the pair',
      { StringEquals: { 'kms:EncryptionContext:app': 'orders' } },
      context,
      true,
    ],
    [
      'StringEquals on the pair, the name in another case',
      { StringEquals: { 'KMS:encryptioncontext:APP': 'orders' } },
      context,
      true,
    ],
    [
      'StringEquals on the pair, the value in another case',
      { StringEquals: { 'kms:EncryptionContext:app': 'Orders' } },
      context,
      false,
    ],
    [
      'StringEqualsIgnoreCase',
      { StringEqualsIgnoreCase: { 'kms:EncryptionContext:app': 'Orders' } },
      context,
      true,
    ],
    [
      'StringEquals, one of several values',
      { StringEquals: { 'kms:EncryptionContext:app': ['x', 'orders'] } },
      context,
      true,
    ],
    [
      'StringEquals, one pair of two',
      {
        StringEquals: {
          'kms:EncryptionContext:app': 'orders',
          'kms:EncryptionContext:stage': 'dev',
        },
      },
      context,
      false,
    ],
    [
      'StringEquals on a pair that is absent',
      { StringEquals: { 'kms:EncryptionContext:app': 'orders' } },
      {},
      false,
    ],
    [
      'StringEqualsIfExists on a pair that is absent',
      { StringEqualsIfExists: { 'kms:EncryptionContext:app': 'orders' } },
      {},
      true,
    ],
    [
      'StringNotEquals on a pair that is absent',
      { StringNotEquals: { 'kms:EncryptionContext:app': 'orders' } },
      {},
      true,
    ],
    [
      'StringNotEquals on the pair',
      { StringNotEquals: { 'kms:EncryptionContext:app': 'orders' } },
      context,
      false,
    ],
    ['StringLike', { StringLike: { 'kms:EncryptionContext:app': 'ord*' } }, context, true],
    [
      'StringLike, from the start',
      { StringLike: { 'kms:EncryptionContext:app': 'rders' } },
      context,
      false,
    ],
    [
      'StringEquals takes no wildcard',
      { StringEquals: { 'kms:EncryptionContext:app': 'ord*' } },
      context,
      false,
    ],
    ['StringNotLike', { StringNotLike: { 'kms:EncryptionContext:app': 'ord*' } }, context, false],
    ['Null true, absent', { Null: { 'kms:EncryptionContext:app': 'true' } }, {}, true],
    ['Null true, present', { Null: { 'kms:EncryptionContext:app': 'true' } }, context, false],
    ['Null false, present', { Null: { 'kms:EncryptionContext:app': 'false' } }, context, true],
    ['Null false, absent', { Null: { 'kms:EncryptionContext:app': false } }, {}, false],
    [
      'ForAllValues on the names',
      { 'ForAllValues:StringEquals': { 'kms:EncryptionContextKeys': ['app', 'stage'] } },
      context,
      true,
    ],
    [
      'ForAllValues, one name too many',
      { 'ForAllValues:StringEquals': { 'kms:EncryptionContextKeys': ['app'] } },
      context,
      false,
    ],
    [
      'ForAllValues, case counts',
      { 'ForAllValues:StringEquals': { 'kms:EncryptionContextKeys': ['APP', 'STAGE'] } },
      context,
      false,
    ],
    [
      'ForAllValues, no context at all',
      { 'ForAllValues:StringEquals': { 'kms:EncryptionContextKeys': ['app'] } },
      {},
      true,
    ],
    [
      'ForAnyValue',
      { 'ForAnyValue:StringEquals': { 'kms:EncryptionContextKeys': 'app' } },
      context,
      true,
    ],
    [
      'ForAnyValue, none',
      { 'ForAnyValue:StringEquals': { 'kms:EncryptionContextKeys': 'x' } },
      context,
      false,
    ],
    [
      'ForAnyValue, no context at all',
      { 'ForAnyValue:StringEquals': { 'kms:EncryptionContextKeys': 'app' } },
      {},
      false,
    ],
    [
      'two operators, both held',
      {
        StringEquals: { 'kms:EncryptionContext:app': 'orders' },
        Bool: { 'aws:SecureTransport': 'false' },
      },
      context,
      true,
    ],
    [
      'two operators, one held',
      {
        StringEquals: { 'kms:EncryptionContext:app': 'orders' },
        Bool: { 'aws:SecureTransport': 'true' },
      },
      context,
      false,
    ],
    [
      'kms:ViaService, called directly',
      { StringEquals: { 'kms:ViaService': 'ssm.us-east-1.amazonaws.com' } },
      context,
      false,
    ],
    [
      'kms:EncryptionAlgorithm',
      { StringEquals: { 'kms:EncryptionAlgorithm': 'SYMMETRIC_DEFAULT' } },
      context,
      true,
    ],
    ['kms:KeySpec', { StringEquals: { 'kms:KeySpec': 'RSA_2048' } }, context, false],
    ['kms:CallerAccount', { StringEquals: { 'kms:CallerAccount': ACCOUNT } }, context, true],
    [
      'aws:RequestedRegion',
      { StringEquals: { 'aws:RequestedRegion': 'us-east-1' } },
      context,
      true,
    ],
    [
      'aws:PrincipalArn',
      { ArnLike: { 'aws:PrincipalArn': `arn:aws:iam::${ACCOUNT}:role/role-*` } },
      context,
      true,
    ],
    [
      "an ARN's wildcard that would cross a colon",
      { ArnLike: { 'aws:PrincipalArn': 'arn:aws:iam*role/role-*' } },
      context,
      false,
    ],
    ['IpAddress', { IpAddress: { 'aws:SourceIp': '127.0.0.0/8' } }, context, true],
    ['IpAddress, another network', { IpAddress: { 'aws:SourceIp': '10.0.0.0/8' } }, context, false],
    ['NotIpAddress', { NotIpAddress: { 'aws:SourceIp': '127.0.0.1' } }, context, false],
    [
      'DateGreaterThan',
      { DateGreaterThan: { 'aws:CurrentTime': '2020-01-01T00:00:00Z' } },
      context,
      true,
    ],
    [
      'DateLessThan',
      { DateLessThan: { 'aws:CurrentTime': '2020-01-01T00:00:00Z' } },
      context,
      false,
    ],
    ['NumericGreaterThan', { NumericGreaterThan: { 'aws:EpochTime': '1' } }, context, true],
    ['MFA that is not there', { Bool: { 'aws:MultiFactorAuthPresent': 'true' } }, context, false],
  ]

  it.each(cases)('%s', async (_, condition, EncryptionContext, expected) => {
    expect(await isTrue(condition, { EncryptionContext })).toBe(expected)
  })

  it('distinguishes kms:RequestAlias and kms:ResourceAliases', async () => {
    const alias = 'alias/condition'
    const { keyId } = await kms.createKey({ alias })
    const by = role({ Condition: { StringEquals: { 'kms:RequestAlias': alias } } })
    const having = role({
      Condition: { 'ForAnyValue:StringEquals': { 'kms:ResourceAliases': alias } },
    })
    expect(await encrypt(alias, by)).toBe('allowed')
    expect(await encrypt(keyId, by)).toBe(NO_IDENTITY)
    expect(await encrypt(keyId, having)).toBe('allowed')
    expect(await encrypt(await key(DELEGATED), having)).toBe(NO_IDENTITY)
  })

  it('applies the conditions of a key policy', async () => {
    const app = role()
    const bound = await key(ADMINISTERED, {
      Principal: { AWS: app.arn },
      Condition: { StringEquals: { 'kms:EncryptionContext:app': 'orders' } },
    })
    expect(await encrypt(bound, app, { EncryptionContext: context })).toBe('allowed')
    expect(await encrypt(bound, app)).toBe(NO_RESOURCE)
  })

  it('replaces policy variables', async () => {
    const { credentials } = kms.createUser({
      name: 'alice',
      policies: [
        policy({
          Condition: { StringEquals: { 'kms:EncryptionContext:user': '${aws:username}' } },
        }),
      ],
    })
    const shared = await key(DELEGATED)
    const as = (user: string) => encrypt(shared, credentials, { EncryptionContext: { user } })
    expect(await as('alice')).toBe('allowed')
    expect(await as('bob')).toBe(NO_IDENTITY)
  })

  it('has the key kms:DataKeyPairSpec', async () => {
    const app = role({ Condition: { StringEquals: { 'kms:DataKeyPairSpec': 'ECC_NIST_P256' } } })
    const KeyId = await key(DELEGATED)
    const generate = async (KeyPairSpec: string) =>
      (
        await call(
          kms,
          'GenerateDataKeyPairWithoutPlaintext',
          { KeyId, KeyPairSpec },
          {
            credentials: kms.credentialsOf(app.arn),
          },
        )
      ).status
    expect(await generate('ECC_NIST_P256')).toBe(200)
    expect(await generate('ECC_NIST_P384')).toBe(400)
  })
})

const put = async (Policy: object | string): Promise<string | undefined> => {
  const { keyId: KeyId } = await kms.createKey()
  const text = typeof Policy === 'string' ? Policy : JSON.stringify(Policy)
  const { type, body } = await call(kms, 'PutKeyPolicy', {
    KeyId,
    PolicyName: 'default',
    Policy: text,
  })
  return type && `${type}: ${body['message']}`
}

describe('a new key policy', () => {
  it('is rejected if it would lock out its author', async () => {
    expect(await put(policy({ Principal: { AWS: role().arn } }))).toBe(
      'MalformedPolicyDocumentException: The new key policy will not allow you to update the key policy in the future.',
    )
  })

  it('is rejected if it names a role that does not exist', async () => {
    const missing = { Principal: { AWS: `arn:aws:iam::${ACCOUNT}:role/missing` } }
    expect(await put(policy(DELEGATED, missing))).toBe(
      'MalformedPolicyDocumentException: Policy contains a statement with one or more invalid principals.',
    )
  })

  it.each([
    ['no JSON', '{'],
    ['no statement', '{"Version":"2012-10-17"}'],
    ['an unknown version', '{"Version":"2020-01-01","Statement":[]}'],
    [
      'no principal',
      { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 'kms:*', Resource: '*' }] },
    ],
    ['an unknown effect', policy({ ...DELEGATED, Effect: 'Maybe' })],
    [
      'an unknown condition operator',
      policy({ ...DELEGATED, Condition: { StringIs: { a: 'b' } } }),
    ],
    ['an unknown field', policy({ ...DELEGATED, Actoin: 'kms:*' } as Allowance)],
  ])('is rejected with %s', async (_, document) => {
    expect(await put(document)).toMatch(/^MalformedPolicyDocumentException: /)
  })

  it('is rejected if it has more than 32 KB', async () => {
    expect(await put(policy({ ...DELEGATED, Action: `kms:${'x'.repeat(33_000)}` }))).toMatch(
      /^LimitExceededException: /,
    )
  })
})
