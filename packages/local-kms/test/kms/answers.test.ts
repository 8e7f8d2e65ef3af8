import { expect } from 'vitest'
import { describeAnswers, type AnswerRow, type Subject } from '../answers.js'
import { base64 } from '../call.js'

const tags = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ TagKey: `k${i}`, TagValue: 'v' }))
const keyOf = async ({ kms }: Subject, options: object = {}) => (await kms.createKey(options)).keyId
const context = { app: 'orders' }

/** Creates a role without IAM policies. */
const grantee = ({ kms, name }: Subject) => {
  const { arn } = kms.createRole({ name })
  return { arn, credentials: kms.credentialsOf(arn) }
}

async function granted(s: Subject, more: object = {}) {
  const KeyId = await keyOf(s)
  const { arn, credentials } = grantee(s)
  const grant = await s.ask('CreateGrant', {
    KeyId,
    GranteePrincipal: arn,
    Operations: ['Encrypt', 'Decrypt'],
    ...more,
  })
  return { KeyId, arn, credentials, ...(grant.body as { GrantId: string; GrantToken: string }) }
}

const incompatible: [spec: string | undefined, usage: string][] = [
  [undefined, 'SIGN_VERIFY'],
  ['SYMMETRIC_DEFAULT', 'GENERATE_VERIFY_MAC'],
  ['ECC_NIST_P256', 'ENCRYPT_DECRYPT'],
  ['RSA_2048', 'KEY_AGREEMENT'],
  ['HMAC_256', 'SIGN_VERIFY'],
  ['ML_DSA_44', 'ENCRYPT_DECRYPT'],
]

describeAnswers('KMS', [
  [
    'R',
    'rejects 51 tags of a new key',
    ({ ask }) => ask('CreateKey', { Tags: tags(51) }),
    ['TagException', 'Too many tags'],
  ],
  ['R', 'accepts 50 tags of a new key', ({ ask }) => ask('CreateKey', { Tags: tags(50) }), '200'],
  [
    'R',
    'rejects a tag key with a reserved prefix',
    ({ ask }) => ask('CreateKey', { Tags: [{ TagKey: 'aws:x', TagValue: 'v' }] }),
    ['TagException', 'Tags beginning with aws: are reserved'],
  ],
  [
    'R',
    'rejects a reserved prefix in upper case',
    ({ ask }) => ask('CreateKey', { Tags: [{ TagKey: 'AWS:x', TagValue: 'v' }] }),
    ['TagException', 'Tags beginning with aws: are reserved'],
  ],
  [
    'R',
    'rejects a duplicate tag key',
    ({ ask }) => ask('CreateKey', { Tags: [...tags(1), ...tags(1)] }),
    ['TagException', 'Duplicate tag keys'],
  ],
  [
    'D',
    'rejects the 51st tag of a key',
    async (s) => {
      const KeyId = await keyOf(s)
      await s.ask('TagResource', { KeyId, Tags: tags(50) })
      return s.ask('TagResource', { KeyId, Tags: [{ TagKey: 'one more', TagValue: 'v' }] })
    },
    ['TagException', 'Too many tags'],
  ],
  [
    'R',
    'rejects reserved tags of a replica',
    async (s) => {
      const KeyId = await keyOf(s, { multiRegion: true })
      return s.ask('ReplicateKey', {
        KeyId,
        ReplicaRegion: 'eu-west-1',
        Tags: [{ TagKey: 'aws:x', TagValue: 'v' }],
      })
    },
    ['TagException', 'Tags beginning with aws: are reserved'],
  ],
  [
    'D',
    'lists tags in pages',
    async (s) => {
      const KeyId = await keyOf(s)
      await s.ask('TagResource', { KeyId, Tags: tags(3) })
      const { body } = await s.ask('ListResourceTags', { KeyId, Limit: 2 })
      return s.ask('ListResourceTags', { KeyId, Limit: 2, Marker: body['NextMarker'] })
    },
    (answer) =>
      expect(answer.body).toEqual({ Tags: [{ TagKey: 'k2', TagValue: 'v' }], Truncated: false }),
  ],
  [
    'D',
    'replaces and removes tags',
    async (s) => {
      const KeyId = await keyOf(s)
      await s.ask('TagResource', { KeyId, Tags: tags(2) })
      await s.ask('TagResource', { KeyId, Tags: [{ TagKey: 'k0', TagValue: 'new' }] })
      await s.ask('UntagResource', { KeyId, TagKeys: ['k1'] })
      return s.ask('ListResourceTags', { KeyId })
    },
    (answer) => expect(answer.body['Tags']).toEqual([{ TagKey: 'k0', TagValue: 'new' }]),
  ],
  [
    'D',
    'applies a policy with aws:ResourceTag to a tagged key',
    async (s) => {
      const KeyId = await keyOf(s)
      const Condition = { StringEquals: { 'aws:ResourceTag/team': 'a' } }
      const policy = {
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Action: 'kms:*', Resource: '*', Condition }],
      }
      const { credentials } = s.kms.createUser({ name: s.name, policies: [policy] })
      const encrypt = () => s.ask('Encrypt', { KeyId, Plaintext: base64('x') }, { credentials })
      expect((await encrypt()).type).toBe('AccessDeniedException')
      await s.ask('TagResource', { KeyId, Tags: [{ TagKey: 'team', TagValue: 'a' }] })
      return encrypt()
    },
    '200',
  ],
  [
    'D',
    'rejects KeySpec together with CustomerMasterKeySpec',
    ({ ask }) =>
      ask('CreateKey', {
        KeySpec: 'SYMMETRIC_DEFAULT',
        CustomerMasterKeySpec: 'SYMMETRIC_DEFAULT',
      }),
    [
      'ValidationException',
      'You cannot specify KeySpec and CustomerMasterKeySpec in the same request. CustomerMasterKeySpec is deprecated.',
    ],
  ],
  ...incompatible.map(([KeySpec, KeyUsage]): AnswerRow => [
    'R',
    `rejects KeyUsage ${KeyUsage} with KeySpec ${KeySpec ?? 'SYMMETRIC_DEFAULT'}`,
    ({ ask }) => ask('CreateKey', { KeySpec, KeyUsage }),
    [
      'ValidationException',
      `KeyUsage ${KeyUsage} is not compatible with KeySpec ${KeySpec ?? 'SYMMETRIC_DEFAULT'}`,
    ],
  ]),
  [
    'D',
    'names the key spec that it does not support',
    ({ ask }) => ask('CreateKey', { KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' }),
    [
      'UnsupportedOperationException',
      /does not support KeySpec ECC_NIST_P256 with KeyUsage SIGN_VERIFY/,
    ],
  ],
  [
    'R',
    'checks the state of an RSA key before its spec in RotateKeyOnDemand',
    async (s) => {
      const KeyId = await keyOf(s, { spec: 'RSA_2048' })
      await s.ask('DisableKey', { KeyId })
      return s.ask('RotateKeyOnDemand', { KeyId })
    },
    ['DisabledException', /^arn:aws:kms:.* is disabled\.$/],
  ],
  [
    'R',
    'rejects an RSA key in RotateKeyOnDemand',
    async (s) => s.ask('RotateKeyOnDemand', { KeyId: await keyOf(s, { spec: 'RSA_2048' }) }),
    ['UnsupportedOperationException', ''],
  ],
  [
    'R',
    'rejects a 26th on-demand rotation',
    async (s) => {
      const KeyId = await keyOf(s)
      for (let i = 0; i < 25; i++) await s.ask('RotateKeyOnDemand', { KeyId })
      return s.ask('RotateKeyOnDemand', { KeyId })
    },
    [
      'LimitExceededException',
      /^The on-demand rotations limit has been reached for the given keyId\. No more on-demand rotations can be performed for this key: arn:/,
    ],
  ],
  [
    'R',
    'replicates a key without CurrentKeyMaterialId and ReplicaTags in the answer',
    async (s) =>
      s.ask('ReplicateKey', {
        KeyId: await keyOf(s, { multiRegion: true }),
        ReplicaRegion: 'eu-west-1',
      }),
    (answer) => {
      expect(Object.keys(answer.body)).toEqual(['ReplicaKeyMetadata', 'ReplicaPolicy'])
      expect(answer.body['ReplicaKeyMetadata']).not.toHaveProperty('CurrentKeyMaterialId')
    },
  ],
  [
    'D',
    'returns the tags of a tagged replica',
    async (s) =>
      s.ask('ReplicateKey', {
        KeyId: await keyOf(s, { multiRegion: true }),
        ReplicaRegion: 'eu-west-1',
        Tags: tags(1),
      }),
    (answer) => expect(answer.body['ReplicaTags']).toEqual(tags(1)),
  ],
  [
    'D',
    'updates a description',
    async (s) => {
      const KeyId = await keyOf(s)
      await s.ask('UpdateKeyDescription', { KeyId, Description: 'new' })
      return s.ask('DescribeKey', { KeyId })
    },
    (answer) => expect(answer.body['KeyMetadata'].Description).toBe('new'),
  ],
  [
    'D',
    'allows the operations of a grant',
    async (s) => {
      const { KeyId, credentials } = await granted(s)
      return s.ask('Encrypt', { KeyId, Plaintext: base64('x') }, { credentials })
    },
    '200',
  ],
  [
    'D',
    'does not allow other operations of a grantee',
    async (s) => {
      const { KeyId, credentials } = await granted(s)
      return s.ask('GenerateDataKey', { KeyId, KeySpec: 'AES_256' }, { credentials })
    },
    ['AccessDeniedException', /./],
  ],
  [
    'D',
    'accepts the token of a grant',
    async (s) => {
      const { KeyId, credentials, GrantToken } = await granted(s)
      return s.ask(
        'Encrypt',
        { KeyId, Plaintext: base64('x'), GrantTokens: [GrantToken] },
        { credentials },
      )
    },
    '200',
  ],
  [
    'D',
    'rejects an unknown grant token',
    async (s) =>
      s.ask('Encrypt', { KeyId: await keyOf(s), Plaintext: base64('x'), GrantTokens: ['unknown'] }),
    ['InvalidGrantTokenException', ''],
  ],
  [
    'D',
    'allows a context that includes EncryptionContextSubset',
    async (s) => {
      const { KeyId, credentials } = await granted(s, {
        Constraints: { EncryptionContextSubset: context },
      })
      return s.ask(
        'Encrypt',
        { KeyId, Plaintext: base64('x'), EncryptionContext: { ...context, more: 'x' } },
        { credentials },
      )
    },
    '200',
  ],
  [
    'D',
    'does not allow a context without EncryptionContextSubset',
    async (s) => {
      const { KeyId, credentials } = await granted(s, {
        Constraints: { EncryptionContextSubset: context },
      })
      return s.ask(
        'Encrypt',
        { KeyId, Plaintext: base64('x'), EncryptionContext: { app: 'x' } },
        { credentials },
      )
    },
    ['AccessDeniedException', /./],
  ],
  [
    'D',
    'does not allow a longer context than EncryptionContextEquals',
    async (s) => {
      const { KeyId, credentials } = await granted(s, {
        Constraints: { EncryptionContextEquals: context },
      })
      return s.ask(
        'Encrypt',
        { KeyId, Plaintext: base64('x'), EncryptionContext: { ...context, more: 'x' } },
        { credentials },
      )
    },
    ['AccessDeniedException', /./],
  ],
  [
    'D',
    'ends the permission of a revoked grant',
    async (s) => {
      const { KeyId, credentials, GrantId } = await granted(s)
      await s.ask('RevokeGrant', { KeyId, GrantId })
      return s.ask('Encrypt', { KeyId, Plaintext: base64('x') }, { credentials })
    },
    ['AccessDeniedException', /./],
  ],
  [
    'D',
    'lets a grantee with RetireGrant retire its grant by token',
    async (s) => {
      const { KeyId, credentials, GrantToken } = await granted(s, {
        Operations: ['Encrypt', 'RetireGrant'],
      })
      await s.ask('RetireGrant', { GrantToken }, { credentials })
      return s.ask('ListGrants', { KeyId })
    },
    (answer) => expect(answer.body['Grants']).toEqual([]),
  ],
  [
    'D',
    'does not let a grantee without RetireGrant retire its grant',
    async (s) => {
      const { KeyId, credentials, GrantId } = await granted(s)
      return s.ask('RetireGrant', { KeyId, GrantId }, { credentials })
    },
    ['AccessDeniedException', /kms:RetireGrant/],
  ],
  [
    'D',
    'lets the retiring principal retire a grant',
    async (s) => {
      const retiring = grantee({ ...s, name: `${s.name}-retiring` })
      const { KeyId, GrantId } = await granted(s, { RetiringPrincipal: retiring.arn })
      return s.ask('RetireGrant', { KeyId, GrantId }, { credentials: retiring.credentials })
    },
    '200',
  ],
  [
    'D',
    'returns the same grant for a repeated request with the same name',
    async (s) => {
      const KeyId = await keyOf(s)
      const request = {
        KeyId,
        GranteePrincipal: s.kms.admin.arn,
        Operations: ['Encrypt'],
        Name: 'mine',
      }
      await s.ask('CreateGrant', request)
      await s.ask('CreateGrant', request)
      return s.ask('ListGrants', { KeyId })
    },
    (answer) => expect(answer.body['Grants']).toHaveLength(1),
  ],
  [
    'D',
    'does not let a grantee grant operations that it does not have',
    async (s) => {
      const { KeyId, credentials, arn } = await granted(s, {
        Operations: ['CreateGrant', 'Encrypt'],
      })
      const grant = (Operations: string[]) =>
        s.ask('CreateGrant', { KeyId, GranteePrincipal: arn, Operations }, { credentials })
      expect((await grant(['Encrypt'])).status).toBe(200)
      return grant(['Decrypt'])
    },
    ['AccessDeniedException', /kms:CreateGrant/],
  ],
  [
    'D',
    'applies kms:GrantOperations to CreateGrant',
    async (s) => {
      const Condition = { 'ForAllValues:StringEquals': { 'kms:GrantOperations': ['Encrypt'] } }
      const policy = {
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Action: 'kms:CreateGrant', Resource: '*', Condition }],
      }
      const { credentials, arn } = s.kms.createUser({ name: s.name, policies: [policy] })
      const KeyId = await keyOf(s)
      const grant = (Operations: string[]) =>
        s.ask('CreateGrant', { KeyId, GranteePrincipal: arn, Operations }, { credentials })
      expect((await grant(['Encrypt'])).status).toBe(200)
      return grant(['Decrypt'])
    },
    ['AccessDeniedException', /./],
  ],
  [
    'D',
    'rejects a grantee that does not exist',
    async (s) =>
      s.ask('CreateGrant', {
        KeyId: await keyOf(s),
        GranteePrincipal: 'arn:aws:iam::111122223333:role/missing',
        Operations: ['Encrypt'],
      }),
    ['InvalidArnException', /./],
  ],
  [
    'D',
    'does not find a grant that does not exist',
    async (s) => s.ask('RevokeGrant', { KeyId: await keyOf(s), GrantId: '0'.repeat(64) }),
    ['NotFoundException', /./],
  ],
  [
    'D',
    'rejects a malformed grant id',
    async (s) => s.ask('RevokeGrant', { KeyId: await keyOf(s), GrantId: 'x' }),
    ['InvalidGrantIdException', ''],
  ],
  [
    'D',
    'requires a token, or a key and a grant id, to retire a grant',
    ({ ask }) => ask('RetireGrant', {}),
    ['ValidationException', /grant token/],
  ],
  [
    'D',
    'names an operation that it does not serve',
    ({ ask }) => ask('Sign', {}),
    ['UnknownOperationException', /does not serve kms:Sign\./],
  ],
])
