import { GetKeyPolicyCommand, PutKeyPolicyCommand } from '@aws-sdk/client-kms'
import { type LocalKms, startLocalKms } from '@unplugin-kms/local-kms'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { CheckId, Status } from '../../src/doctor/check.js'
import { diagnose } from '../../src/doctor/doctor.js'
import { type Broken, expectCause } from './cause.js'
import {
  account,
  alias,
  allow,
  context,
  deny,
  document,
  nothing,
  OTHER_KEY,
  principal,
  sessionOf,
} from './policies.js'
import { type Changes, decrypts, world, type World } from './world.js'

let kms: LocalKms
beforeAll(async () => {
  kms = await startLocalKms()
})
afterAll(() => kms.close())

const ACCESS: Broken[] = [
  ['a role without any policy for KMS', 'role-action', /allows kms:Decrypt/, { policies: nothing }],
  [
    'a role that may only encrypt',
    'role-action',
    /no policy of .* allows kms:Decrypt/,
    { policies: (key) => [document(allow(['kms:Encrypt', 'kms:DescribeKey'], key))] },
  ],
  [
    'a role that may decrypt with another key',
    'role-resource',
    /on arn:aws:kms:us-east-1:111122223333:key\/99999999.*, and not on/,
    { policies: () => [document(allow('kms:Decrypt', OTHER_KEY))] },
  ],
  [
    'a role whose policy names the alias',
    'role-alias',
    /an alias, which matches no key/,
    {
      policies: () => [
        document(allow('kms:Decrypt', 'arn:aws:kms:us-east-1:111122223333:alias/orders')),
      ],
    },
  ],
  [
    'a role whose policy names the key of another region',
    'role-region',
    /in eu-west-1, and .* is in us-east-1/,
    {
      policies: (key) => [document(allow('kms:Decrypt', key.replace('us-east-1', 'eu-west-1')))],
    },
  ],
  [
    'a role whose policy asks for another encryption context',
    'role-condition',
    /kms:EncryptionContext:app meets StringEquals "billing"; in this call it is "orders"/,
    { policies: (key) => [document(allow('kms:Decrypt', key, context('billing')))] },
  ],
  [
    'a role that may decrypt through another service only',
    'role-condition',
    /kms:ViaService meets StringEquals "s3.us-east-1.amazonaws.com"; in this call it is absent/,
    {
      policies: (key) => [
        document(
          allow('kms:Decrypt', key, {
            Condition: { StringEquals: { 'kms:ViaService': 's3.us-east-1.amazonaws.com' } },
          }),
        ),
      ],
    },
  ],
  [
    'a role whose policy asks that the key be named by its alias',
    'role-condition',
    /kms:RequestAlias meets StringEquals "alias\/orders"; in this call it is absent/,
    {
      policies: () => [
        document(
          allow('kms:Decrypt', '*', {
            Condition: { StringEquals: { 'kms:RequestAlias': 'alias/orders' } },
          }),
        ),
      ],
    },
  ],
  [
    'a role whose policy asks for an alias that the key does not have',
    'role-condition',
    /kms:ResourceAliases meets .* "alias\/billing-\*"; in this call it is "alias\/orders-/,
    { policies: () => [document(allow('kms:Decrypt', '*', alias('alias/billing-*')))] },
  ],
  [
    'a key policy that names the session of another function',
    'key-policy',
    /neither names/,
    {
      keyPolicy: (role) =>
        document(allow('kms:Decrypt', '*', principal(`${sessionOf(role)}/billing`))),
    },
  ],
  [
    'a key policy that names the role, which a permissions boundary limits',
    'boundary',
    /does not allow kms:Decrypt/,
    {
      policies: nothing,
      boundary: () => document(allow('s3:*', '*')),
      keyPolicy: (role) => document(allow('kms:Decrypt', '*', principal(role))),
    },
  ],
  [
    'a role whose policy denies it',
    'explicit-deny',
    /Sid "NoKms"\) denies/,
    {
      policies: (key) => [
        document(allow('kms:Decrypt', key), deny('kms:*', '*', { Sid: 'NoKms' })),
      ],
    },
  ],
  [
    'a key policy that denies it',
    'explicit-deny',
    /the key policy .*denies/,
    {
      keyPolicy: (role, { accountId }) =>
        document(
          allow('kms:*', '*', account(accountId)),
          deny('kms:Decrypt', '*', { Sid: 'NotOrders', ...principal(role) }),
        ),
    },
  ],
  [
    'a permissions boundary that leaves it out',
    'boundary',
    /permissions boundary .* does not allow kms:Decrypt/,
    { boundary: () => document(allow('s3:*', '*')) },
  ],
  [
    'a permissions boundary that denies it',
    'explicit-deny',
    /the permissions boundary .* denies/,
    { boundary: () => document(allow('*', '*'), deny('kms:Decrypt', '*')) },
  ],
  [
    'a key policy that does not name the role, whose own policy is right',
    'key-policy',
    /^the role has kms:Decrypt, but the key policy of \S+ neither names \S+ nor lets the account decide$/,
    { keyPolicy: () => document() },
  ],
  [
    'a key policy that does not name the role, which has no policy either',
    'key-policy',
    /the role has no kms:Decrypt, and the key policy/,
    { keyPolicy: () => document(), policies: nothing },
  ],
  [
    'a key policy that names a role that was deleted and created again',
    'key-policy',
    /nor lets the account decide; it names AROA\S+, which was deleted/,
    {
      keyPolicy: (role) => document(allow('kms:Decrypt', '*', principal(role))),
      change: ({ kms: { deleteRole, createRole }, key, role, functionName }) => {
        deleteRole(role)
        createRole({ name: functionName, policies: [document(allow('kms:Decrypt', key))] })
      },
    },
  ],
  [
    'a key policy that names another role',
    'key-policy',
    /neither names/,
    {
      keyPolicy: (role, { createRole }) => {
        createRole({ name: `another-${role.split('/').at(-1)}` })
        return document(allow('kms:Decrypt', '*', principal(role.replace('/', '/another-'))))
      },
    },
  ],
  [
    'a key policy that lets the role encrypt only',
    'key-policy',
    /neither names/,
    { keyPolicy: (role) => document(allow('kms:Encrypt', '*', principal(role))) },
  ],
  [
    'a key policy that lets the role decrypt another context',
    'key-policy-condition',
    /only where kms:EncryptionContext:app meets StringEquals "billing"/,
    {
      keyPolicy: (role) =>
        document(allow('kms:Decrypt', '*', { ...principal(role), ...context('billing') })),
    },
  ],
  [
    'a key policy that leaves it to the account for another service only',
    'key-policy-condition',
    /kms:ViaService/,
    {
      keyPolicy: (_, { accountId }) =>
        document(
          allow('kms:*', '*', {
            ...account(accountId),
            Condition: { StringEquals: { 'kms:ViaService': 'rds.us-east-1.amazonaws.com' } },
          }),
        ),
    },
  ],
  [
    'a grant for another encryption context',
    'key-policy',
    /neither names/,
    {
      keyPolicy: () => document(),
      change: ({ key, role }) =>
        kms.createGrant({
          key,
          granteePrincipal: role,
          operations: ['Decrypt'],
          encryptionContextEquals: { app: 'billing' },
        }),
    },
  ],
  [
    'a grant for no encryption context at all',
    'key-policy',
    /neither names/,
    {
      keyPolicy: () => document(),
      change: ({ key, role }) =>
        kms.createGrant({
          key,
          granteePrincipal: role,
          operations: ['Decrypt'],
          encryptionContextEquals: {},
        }),
    },
  ],
  [
    'a grant for something else',
    'key-policy',
    /neither names/,
    {
      keyPolicy: () => document(),
      change: ({ key, role }) =>
        kms.createGrant({ key, granteePrincipal: role, operations: ['Encrypt'] }),
    },
  ],
  [
    'a key of another account, which the role’s own policy does not name',
    'role-action',
    /no policy of/,
    { foreignKey: true, policies: nothing },
  ],
]

describe('doctor', () => {
  it.each([...ACCESS])('reports one cause, and first: %s', async (_, id, says, changes) => {
    const made = await world(kms, changes)
    expect(await decrypts(made)).toBe(false)
    expectCause(await diagnose(made.options), id, says)
  })
})

it('doctor reports a denial by the organization from IAM’s simulation', async () => {
  const made = await world(kms)
  kms.putServiceControlPolicy(document(allow('*', '*'), deny('kms:Decrypt', '*')))
  try {
    expect(await decrypts(made)).toBe(false)
    expectCause(
      await diagnose(made.options),
      'simulation',
      /a service control policy .* does not allow/,
    )
  } finally {
    kms.putServiceControlPolicy(null)
  }
})

describe('if not all policies of the role can be read, doctor uses IAM’s simulation:', () => {
  const names = (role: string) => document(allow('kms:Decrypt', '*', principal(role)))
  const atEndpoint = { Condition: { StringEquals: { 'aws:SourceVpce': 'vpce-1' } } }
  it.each<[what: string, denied: string | string[], changes: Changes, id: CheckId, status: Status]>(
    [
      ['which allows it', 'iam:GetRolePolicy', {}, 'access', 'ok'],
      ['which does not', 'iam:GetRolePolicy', { policies: nothing }, 'simulation', 'found'],
      [
        'which knows of a Deny',
        'iam:GetRolePolicy',
        { policies: () => [document(deny('kms:*', '*'))], keyPolicy: names },
        'simulation',
        'found',
      ],
      [
        'which knows of no Deny, where the key policy names the role',
        'iam:GetRolePolicy',
        { policies: nothing, keyPolicy: names },
        'access',
        'ok',
      ],
      [
        'which depends on an unknown condition',
        'iam:GetRolePolicy',
        { policies: (key) => [document(allow('kms:Decrypt', key, atEndpoint))] },
        'access',
        'unchecked',
      ],
      [
        'without the boundary, if the key policy names the role',
        'iam:Get*',
        { policies: nothing, boundary: () => document(allow('s3:*', '*')), keyPolicy: names },
        'access',
        'unchecked',
      ],
      [
        'and leaves open whether a Deny is among them where that is denied too',
        ['iam:GetRolePolicy', 'iam:Simulate*'],
        { policies: nothing, keyPolicy: names },
        'access',
        'unchecked',
      ],
      [
        'and leaves it open where that is denied too, though the key policy names the role',
        'iam:*',
        { policies: nothing, keyPolicy: names },
        'access',
        'unchecked',
      ],
    ],
  )('%s', async (_, denied, changes, id, status) => {
    const made = await world(kms, changes)
    const blind = kms.createUser({
      name: `blind-${made.functionName}`,
      policies: [document(allow('*', '*'), deny(denied, '*'))],
    })
    const { aws, ...options } = made.options
    if (changes.keyPolicy) await letRead(made, blind.arn)
    const { checks } = await diagnose({
      ...options,
      aws: { ...aws, credentials: blind.credentials },
    })
    expect(checks.find((check) => check.id === id)).toMatchObject({ status })
  })
})

/** Adds to the key policy that someone may look at the key. */
async function letRead({ client, key }: World, arn: string) {
  const { Policy } = await client().send(new GetKeyPolicyCommand({ KeyId: key }))
  const { Statement, ...rest } = JSON.parse(Policy!) as { Statement: object[] }
  const reading = allow(['kms:Get*', 'kms:List*', 'kms:Describe*'], '*', principal(arn))
  const changed = JSON.stringify({ ...rest, Statement: [...Statement, reading] })
  await client().send(new PutKeyPolicyCommand({ KeyId: key, Policy: changed }))
}
