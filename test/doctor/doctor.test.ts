import {
  DeleteAliasCommand,
  DisableKeyCommand,
  GetKeyPolicyCommand,
  PutKeyPolicyCommand,
  ScheduleKeyDeletionCommand,
  UpdateAliasCommand,
} from '@aws-sdk/client-kms'
import { parsePolicy, startLocalKms, type LocalKms } from '@unplugin-kms/local-kms'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { judge } from '../../src/doctor/access.js'
import type { CheckId, Status } from '../../src/doctor/check.js'
import { circumstancesOf } from '../../src/doctor/circumstances.js'
import { diagnose, type DoctorOptions } from '../../src/doctor/doctor.js'
import { fingerprintOf } from '../../src/seal/data-key-pair.js'
import { decodeToken, encodeToken, type Token } from '../../src/seal/token.js'
import { initSecretsFile } from '../../src/secrets/init.js'
import { setSecret } from '../../src/secrets/set.js'
import { opened, sealed } from '../inspect/sealed.js'
import { localPair } from '../support/project.js'
import {
  allow,
  CONTEXT,
  decrypts,
  deny,
  document,
  principal,
  type Changes,
  type World,
  VALUE,
  world,
} from './world.js'

let kms: LocalKms
beforeAll(async () => {
  kms = await startLocalKms()
})
afterAll(() => kms.close())

const OTHER_KEY = 'arn:aws:kms:us-east-1:111122223333:key/99999999-2222-3333-4444-555555555555'
const account = (id: string) => principal(`arn:aws:iam::${id}:root`)
const context = (app: string) => ({
  Condition: { StringEquals: { 'kms:EncryptionContext:app': app } },
})
const alias = (name: string) => ({
  Condition: { 'ForAnyValue:StringLike': { 'kms:ResourceAliases': name } },
})
const sessionOf = (role: string) =>
  role.replace(':iam:', ':sts:').replace(':role/', ':assumed-role/')
const nothing = () => [document(allow('s3:GetObject', '*'))]
const INTERFACE = { serviceName: 'com.amazonaws.us-east-1.kms', privateDns: true }
const NAT = { main: true, routes: { '0.0.0.0/0': 'nat-1' } }
const INTERNET = { main: true, routes: { '0.0.0.0/0': 'igw-1' } }
const INSIDE = { main: true, routes: {} }

/** An endpoint with this policy, and no other way out. */
const behind = (...statements: object[]) => ({
  endpoints: [{ ...INTERFACE, policy: document(...statements) }],
  routeTables: [INSIDE],
})

/** Something wrong, what it is found as, and words that the finding must have. */
type Broken = [what: string, id: CheckId, says: RegExp, changes: Changes]

const FILE: Broken[] = [
  [
    'a truncated secrets file',
    'file',
    /no JSON/,
    {
      then: async ({ secretsFile }) =>
        writeFile(secretsFile, (await readFile(secretsFile, 'utf8')).slice(0, -20)),
    },
  ],
  [
    'a secrets file of another version',
    'file',
    /version 2/,
    { then: ({ edit }) => edit((file) => ({ ...file, version: 2 })) },
  ],
  [
    'a token of a pair that is not in the file',
    'file',
    /secrets\.DB_PASSWORD/,
    {
      then: ({ edit }) =>
        edit(
          (file) => (file.secrets.DB_PASSWORD = ofAnotherPair(file.secrets.DB_PASSWORD)) && file,
        ),
    },
  ],
  [
    'a public key that was exchanged, with its fingerprint',
    'pin',
    /is not the pinned one/,
    { then: ({ edit }) => edit(exchangePair) },
  ],
  [
    'a pin of another pair',
    'pin',
    /is not the pinned one/,
    { then: ({ options }) => (options.pins = [`sha256:${'0'.repeat(64)}`]) },
  ],
]

const KEY: Broken[] = [
  [
    'no credentials',
    'identity',
    /accepts no credentials/,
    { then: ({ options, kms }) => (options.aws = { endpoint: kms.url, region: kms.region }) },
  ],
  [
    'a key of another kind',
    'key-usage',
    /is of the kind RSA_2048/,
    {
      then: async ({ kms, key, edit }) => {
        const { arn } = await kms.createKey({ spec: 'RSA_2048' })
        await edit((file) => replaceAll(file, new RegExp(key), arn))
      },
    },
  ],
  [
    'credentials that AWS does not accept',
    'identity',
    /accepts no credentials/,
    {
      then: ({ options }) =>
        (options.aws = {
          ...options.aws,
          credentials: { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'none' },
        }),
    },
  ],
  [
    'a key that does not exist',
    'key-exists',
    /does not exist/,
    { then: ({ edit }) => edit((file) => replaceAll(file, /key\/[0-9a-f-]+/, 'key/' + NO_KEY)) },
  ],
  [
    'a key of another region',
    'key-exists',
    /eu-west-3:.*does not exist: .*region/,
    { then: ({ edit }) => edit((file) => replaceAll(file, /kms:us-east-1/, 'kms:eu-west-3')) },
  ],
  [
    'a disabled key',
    'key-enabled',
    /is disabled/,
    { then: ({ client, key }) => client().send(new DisableKeyCommand({ KeyId: key })) },
  ],
  [
    'a key about to be deleted',
    'key-enabled',
    /about to be deleted on \d{4}-/,
    { then: ({ client, key }) => client().send(new ScheduleKeyDeletionCommand({ KeyId: key })) },
  ],
  [
    'an alias that was pointed elsewhere',
    'alias',
    /leads to .* now/,
    {
      then: async ({ options, alias, client, kms }) => {
        options.keyIds = [alias]
        const { keyId } = await kms.createKey()
        await client().send(new UpdateAliasCommand({ AliasName: alias, TargetKeyId: keyId }))
      },
    },
  ],
  [
    'an alias that was deleted',
    'alias',
    /leads to no key/,
    {
      then: async ({ options, alias, client }) => {
        options.keyIds = [alias]
        await client().send(new DeleteAliasCommand({ AliasName: alias }))
      },
    },
  ],
  [
    'an encryption context that was changed in the file',
    'wrapping',
    /does not unwrap .*InvalidCiphertextException/,
    { then: ({ edit }) => edit((file) => changeContext(file, { app: 'billing' })) },
  ],
  [
    'a wrapped private key that was altered',
    'wrapping',
    /does not unwrap/,
    { then: ({ edit }) => edit((file) => alterBlob(file)) },
  ],
  [
    'a public key that is not that of the wrapped private key',
    'pair',
    /is not that of the public key in the file/,
    {
      then: async ({ edit, options }) => {
        options.decrypt = true
        options.pins = await pinsAfter(edit)
      },
    },
  ],
  [
    'an altered entry',
    'entries',
    /DB_PASSWORD .*does not open/,
    {
      then: ({ edit, options }) => {
        options.decrypt = true
        return edit(
          (file) => (file.secrets.DB_PASSWORD = altered(file.secrets.DB_PASSWORD)) && file,
        )
      },
    },
  ],
  [
    'two entries that changed places',
    'entries',
    /API_KEY .*does not open/,
    {
      then: ({ edit, options }) => {
        options.decrypt = true
        return edit(({ secrets: { API_KEY, DB_PASSWORD }, ...file }) => ({
          ...file,
          secrets: { API_KEY: DB_PASSWORD, DB_PASSWORD: API_KEY },
        }))
      },
    },
  ],
]

const FUNCTION: Broken[] = [
  [
    'a function that does not exist',
    'function',
    /no function nowhere/,
    { then: ({ options }) => (options.functionName = 'nowhere') },
  ],
  [
    'a function that is led to an emulator',
    'endpoint',
    /AWS_ENDPOINT_URL_KMS leads it to localhost/,
    { environment: { AWS_ENDPOINT_URL_KMS: 'http://localhost:4566' } },
  ],
  [
    'a role that does not exist',
    'role',
    /no role .*role\/gone/,
    {
      then: ({ options, kms }) => {
        delete options.functionName
        options.role = `arn:aws:iam::${kms.accountId}:role/gone`
      },
    },
  ],
  [
    'a VPC without a way out',
    'network',
    /no way to KMS in us-east-1: no interface endpoint, and no NAT route/,
    { network: { routeTables: [INSIDE] } },
  ],
  [
    'a VPC with an endpoint for another service',
    'network',
    /no way to KMS/,
    {
      network: {
        endpoints: [{ ...INTERFACE, serviceName: 'com.amazonaws.us-east-1.kinesis-streams' }],
        routeTables: [INSIDE],
      },
    },
  ],
  [
    'an endpoint without private DNS',
    'network',
    /has no private DNS/,
    { network: { endpoints: [{ ...INTERFACE, privateDns: false }], routeTables: [INSIDE] } },
  ],
  [
    'an endpoint that is not there yet',
    'network',
    /in the state pending/,
    { network: { endpoints: [{ ...INTERFACE, state: 'pending' }], routeTables: [INSIDE] } },
  ],
  [
    'subnets whose way out is an internet gateway',
    'network',
    /leads to igw-1, of which a function, without a public address, has no use/,
    { network: { routeTables: [INTERNET] } },
  ],
  [
    'one subnet of two that has no way out',
    'network',
    /no way to KMS/,
    { network: { routeTables: [INSIDE, { subnetIds: ['subnet-1'], routes: NAT.routes }] } },
  ],
  [
    'an endpoint, which leads to this region alone, and a key in another',
    'network',
    /no way to KMS in eu-west-1/,
    { keyRegion: 'eu-west-1', network: { endpoints: [INTERFACE], routeTables: [INSIDE] } },
  ],
]

const ENDPOINT_POLICY: Broken[] = [
  [
    'an endpoint whose policy leaves kms:Decrypt out',
    'endpoint-policy',
    /of the endpoint vpce-0 does not let through kms:Decrypt/,
    { network: behind(allow('kms:Encrypt', '*', principal('*'))) },
  ],
  [
    'an endpoint whose policy knows another key alone',
    'endpoint-policy',
    /does not let through/,
    { network: behind(allow('kms:*', OTHER_KEY, principal('*'))) },
  ],
  [
    'an endpoint whose policy is for another role',
    'endpoint-policy',
    /does not let through/,
    { network: behind(allow('*', '*', principal('arn:aws:iam::111122223333:role/billing'))) },
  ],
  [
    'an endpoint whose policy denies it',
    'endpoint-policy',
    /of the endpoint vpce-0 denies kms:Decrypt/,
    {
      network: behind(
        allow('*', '*', principal('*')),
        deny('kms:Decrypt', '*', { ...principal('*'), ...context('orders') }),
      ),
    },
  ],
]

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
    /kms:EncryptionContext:app meets StringEquals "billing", and here it is "orders"/,
    { policies: (key) => [document(allow('kms:Decrypt', key, context('billing')))] },
  ],
  [
    'a role that may decrypt through another service only',
    'role-condition',
    /kms:ViaService meets StringEquals "s3.us-east-1.amazonaws.com", and here it is absent/,
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
    /kms:RequestAlias meets StringEquals "alias\/orders", and here it is absent/,
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
    /kms:ResourceAliases meets .* "alias\/billing-\*", and here it is "alias\/orders-/,
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
    'a key policy that forgets the role, whose own policy is right',
    'key-policy',
    /^the role has kms:Decrypt, but the key policy of \S+ neither names \S+ nor lets the account decide$/,
    { keyPolicy: () => document() },
  ],
  [
    'a key policy that forgets the role, which has no policy either',
    'key-policy',
    /the role has no kms:Decrypt, and the key policy/,
    { keyPolicy: () => document(), policies: nothing },
  ],
  [
    'a key policy that names the role as it was before it was deleted and made anew',
    'key-policy',
    /nor lets the account decide; it names AROA\S+, which was deleted/,
    {
      keyPolicy: (role) => document(allow('kms:Decrypt', '*', principal(role))),
      then: ({ kms: { deleteRole, createRole }, key, role, functionName }) => {
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
      then: ({ key, role }) =>
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
      then: ({ key, role }) =>
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
      then: ({ key, role }) =>
        kms.createGrant({ key, granteePrincipal: role, operations: ['Encrypt'] }),
    },
  ],
  [
    'a key of another account, which the role’s own policy forgets',
    'role-action',
    /no policy of/,
    { foreignKey: true, policies: nothing },
  ],
]

describe('doctor names the one cause first', () => {
  it.each([...FILE, ...KEY, ...FUNCTION, ...ENDPOINT_POLICY])(
    '%s',
    async (_, id, says, changes) => {
      const { options } = await world(kms, changes)
      expectCause(await diagnose(options), id, says)
    },
  )

  it.each(ACCESS)('%s', async (_, id, says, changes) => {
    const made = await world(kms, changes)
    expect(await decrypts(made)).toBe(false)
    expectCause(await diagnose(made.options), id, says)
  })
})

function expectCause(
  { checks, verdict }: Awaited<ReturnType<typeof diagnose>>,
  id: CheckId,
  says: RegExp,
) {
  const found = checks.filter(({ status }) => status === 'found')
  expect(found[0]).toMatchObject({ id })
  expect(found[0]!.says).toMatch(says)
  expect([...new Set(found.map((one) => one.id))]).toEqual([id])
  expect(verdict).not.toBe('fine')
  expect(JSON.stringify(checks)).not.toContain(VALUE)
}

const SOUND: [what: string, changes: Changes][] = [
  ['a role whose policy allows just that', {}],
  [
    'a role whose attached policy allows it',
    { policies: nothing, attached: (key) => document(allow('kms:Decrypt', key)) },
  ],
  [
    'a key policy that names the role, which has no policy for KMS',
    {
      policies: nothing,
      keyPolicy: (role) => document(allow('kms:Decrypt', '*', principal(role))),
    },
  ],
  [
    'a key policy that names everyone of the account’s organization by a condition it can see',
    {
      policies: nothing,
      keyPolicy: (_, { accountId }) =>
        document(
          allow('kms:Decrypt', '*', {
            ...principal('*'),
            Condition: { StringEquals: { 'kms:CallerAccount': accountId } },
          }),
        ),
    },
  ],
  [
    'a grant, where the key policy forgets the role and the role has no policy',
    {
      policies: nothing,
      keyPolicy: () => document(),
      then: ({ key, role }) =>
        kms.createGrant({
          key,
          granteePrincipal: role,
          operations: ['Decrypt'],
          encryptionContextEquals: { app: 'orders' },
        }),
    },
  ],
  [
    'a role whose policy asks for what every call of the function brings',
    {
      policies: (key) => [
        document(
          allow('kms:Decrypt', key, {
            Condition: {
              StringEquals: {
                'kms:CallerAccount': '111122223333',
                'aws:RequestedRegion': 'us-east-1',
                'kms:EncryptionContext:app': 'orders',
              },
              'ForAllValues:StringEquals': { 'kms:EncryptionContextKeys': 'app' },
            },
          }),
        ),
      ],
    },
  ],
  [
    'a role whose policy asks for the alias of the key',
    {
      policies: () => [document(allow('kms:Decrypt', '*', alias('alias/orders-*')))],
    },
  ],
  [
    'a key policy that names the function’s own session, which no permissions boundary limits',
    {
      policies: nothing,
      boundary: () => document(allow('s3:*', '*')),
      keyPolicy: (role) =>
        document(allow('kms:Decrypt', '*', principal(`${sessionOf(role)}/${role.split('/')[1]}`))),
    },
  ],
  ['a permissions boundary that allows it', { boundary: () => document(allow('*', '*')) }],
  [
    'a Deny that speaks of another context',
    {
      policies: (key) => [
        document(allow('kms:Decrypt', key), deny('kms:Decrypt', '*', context('billing'))),
      ],
    },
  ],
  [
    'keys in two regions',
    {
      policies: () => [document(allow('kms:Decrypt', '*', context('orders')))],
      then: async ({ kms: { createKey }, key, secretsFile, options: { aws = {} } }) => {
        const { arn } = await createKey({ region: 'eu-west-1' })
        await rm(secretsFile)
        const keyIds = [key, arn]
        await initSecretsFile({
          secretsFile,
          keyIds,
          encryptionContext: CONTEXT,
          aws,
          types: false,
        })
        await setSecret('DB_PASSWORD', Buffer.from(VALUE), { secretsFile })
      },
    },
  ],
  ['a VPC with an endpoint', { network: { endpoints: [INTERFACE], routeTables: [INSIDE] } }],
  [
    'a VPC with an endpoint whose policy lets just that through',
    { network: behind(allow('kms:Decrypt', '*', { ...principal('*'), ...context('orders') })) },
  ],
  ['a VPC with a NAT gateway', { network: { routeTables: [NAT] } }],
  [
    'a VPC with a NAT gateway, and a key in another region',
    { keyRegion: 'eu-west-1', network: { routeTables: [NAT] } },
  ],
  [
    'an alias that leads where it led',
    { then: ({ options, alias }) => (options.keyIds = [alias]) },
  ],
]

it('doctor says that an organization does not let it, which IAM’s simulation alone knows', async () => {
  const made = await world(kms)
  kms.putServiceControlPolicy(document(allow('*', '*'), deny('kms:Decrypt', '*')))
  try {
    expect(await decrypts(made)).toBe(false)
    expectCause(await diagnose(made.options), 'simulation', /a service control policy .* not let/)
  } finally {
    kms.putServiceControlPolicy(null)
  }
})

it('doctor says what it found offline, where AWS is not reached', async () => {
  const { options } = await world(kms, { then: ({ edit }) => edit(exchangePair) })
  const aws = { ...options.aws, endpoint: 'http://127.0.0.1:1' }
  const { checks, verdict } = await diagnose({ ...options, aws })
  expect(checks[0]).toMatchObject({ id: 'pin', status: 'found' })
  expect(verdict).toBe('found')
})

it('doctor says each thing once of a bundle with two encryption contexts', async () => {
  const { key, options, secretsFile } = await world(kms, {
    policies: (arn) => [document(allow('kms:Decrypt', arn))],
  })
  const pairs = ['orders', 'billing'].map((app) => ({
    ...localPair(key),
    encryptionContext: { app },
  }))
  const bundle = secretsFile.replace('kms-secrets.json', 'main.mjs')
  const code = pairs.map(async (pair) => `open(${opened(pair)}, "${await sealed(pair)}")`)
  await writeFile(bundle, (await Promise.all(code)).join('\n'))
  const { secretsFile: _, ...rest } = options
  const { checks, verdict } = await diagnose({ ...rest, bundles: [bundle] })
  expect(verdict).toBe('fine')
  expect(new Set(checks.map(({ says }) => says)).size).toBe(checks.length)
  const access = checks.filter(({ id }) => id === 'access').map(({ says }) => says)
  expect(access).toEqual([
    expect.stringMatching(/context \{"app":"(orders|billing)"\}$/),
    expect.stringMatching(/context \{"app":"(orders|billing)"\}$/),
  ])
})

describe('where not all policies of the role may be read, doctor asks IAM’s simulation', () => {
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
        'which hangs on what is not known',
        'iam:GetRolePolicy',
        { policies: (key) => [document(allow('kms:Decrypt', key, atEndpoint))] },
        'access',
        'unchecked',
      ],
      [
        'which tells of no boundary, where the key policy names the role',
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

describe('doctor says nothing wrong about', () => {
  it.each(SOUND)('%s', async (_, changes) => {
    const made = await world(kms, changes)
    expect(await decrypts(made)).toBe(true)
    const { checks, verdict } = await diagnose({ ...made.options, decrypt: true })
    expect(checks.filter(({ status }) => status === 'found')).toEqual([])
    expect(verdict).toBe('fine')
    const ok = checks.filter(({ status }) => status === 'ok').map(({ id }) => id)
    expect(ok).toEqual(
      expect.arrayContaining([
        'file',
        'pin',
        'identity',
        'key-exists',
        'key-enabled',
        'pair',
        'entries',
        'access',
        'network',
      ]),
    )
    expect(new Set(checks.map(({ id, says }) => `${id} ${says}`)).size).toBe(checks.length)
    expect(JSON.stringify(checks)).not.toContain(VALUE)
  })
})

describe('doctor claims nothing that it could not see', () => {
  const said = async (changes: Changes, options: DoctorOptions = {}) => {
    const made = await world(kms, changes)
    const { checks, verdict } = await diagnose({ ...made.options, ...options })
    return { checks, verdict, of: (id: CheckId) => checks.find((check) => check.id === id) }
  }

  it('of a key of another account, whose policy that account alone may read', async () => {
    const { of, verdict } = await said({ foreignKey: true })
    expect(of('access')).toMatchObject({ status: 'unchecked' })
    expect(of('access')!.says).toMatch(
      /the key policy could not be read: kms:GetKeyPolicy is denied/,
    )
    expect(verdict).toBe('fine')
  })

  it('of a key policy that the caller may not read, which may name the role', async () => {
    const { credentials } = kms.createUser({
      name: 'auditor',
      policies: [document(allow('*', '*'), deny('kms:GetKeyPolicy', '*'))],
    })
    const { of, verdict } = await said({
      policies: nothing,
      then: ({ options }) => (options.aws = { ...options.aws, credentials }),
    })
    expect(of('access')).toMatchObject({ status: 'unchecked' })
    expect(of('access')!.says).toContain('kms:GetKeyPolicy is denied to the caller')
    expect(verdict).toBe('fine')
  })

  it('of a role of another account, though one of this account is called alike', async () => {
    const role = 'arn:aws:iam::444455556666:role/orders'
    kms.createRole({ name: 'orders', policies: nothing() })
    const { of, verdict } = await said({
      keyPolicy: () => document(allow('kms:Decrypt', '*', principal(role))),
      then: ({ options }) => {
        delete options.functionName
        options.role = role
      },
    })
    expect(of('role')).toMatchObject({ status: 'unchecked' })
    expect(of('access')).toMatchObject({ status: 'unchecked' })
    expect(verdict).toBe('fine')
  })

  it('of a policy whose context hangs on a tag', async () => {
    const { of, verdict } = await said({
      policies: (key) => [document(allow('kms:Decrypt', key, context('${aws:PrincipalTag/app}')))],
    })
    expect(of('access')!.says).toMatch(/hangs on aws:PrincipalTag\/app/)
    expect([of('access')!.status, verdict]).toEqual(['unchecked', 'fine'])
  })

  it('of a policy for a key that hangs on a tag', async () => {
    const { of } = await said({
      policies: (key) => [
        document(allow('kms:Decrypt', key.replace(/\/.*/, '/${aws:PrincipalTag/key}'))),
      ],
    })
    expect(of('access')!.says).toMatch(/hangs on aws:PrincipalTag\/key/)
  })

  it('of an endpoint whose policy asks whose organization it is', async () => {
    const organization = { Condition: { StringEquals: { 'aws:PrincipalOrgID': 'o-1' } } }
    const { of } = await said({
      network: behind(allow('*', '*', { ...principal('*'), ...organization })),
    })
    expect(of('endpoint-policy')!.says).toMatch(/hangs on aws:PrincipalOrgID/)
    expect(of('endpoint-policy')!.status).toBe('unchecked')
  })

  it('of a role alone, where the key policy names a session of it', async () => {
    const { of } = await said({
      policies: nothing,
      keyPolicy: (role) =>
        document(allow('kms:Decrypt', '*', principal(`${sessionOf(role)}/orders`))),
      then: ({ options, role }) => {
        delete options.functionName
        options.role = role
      },
    })
    expect(of('access')!.says).toMatch(/names sessions of the role: give --function/)
    expect(of('access')!.status).toBe('unchecked')
  })

  it('of a grant, which a permissions boundary may limit', async () => {
    const { of } = await said({
      policies: nothing,
      boundary: () => document(allow('s3:*', '*')),
      keyPolicy: () => document(),
      then: ({ key, role }) =>
        kms.createGrant({ key, granteePrincipal: role, operations: ['Decrypt'] }),
    })
    expect(of('access')!.says).toMatch(/a permissions boundary may limit the grant/)
    expect(of('access')!.status).toBe('unchecked')
  })

  it('of a grant, where a Deny hangs on what only a call tells', async () => {
    const atEndpoint = { Condition: { StringNotEquals: { 'aws:SourceVpce': 'vpce-1' } } }
    const { of } = await said({
      policies: () => [document(deny('kms:*', '*', atEndpoint))],
      keyPolicy: () => document(),
      then: ({ key, role }) =>
        kms.createGrant({ key, granteePrincipal: role, operations: ['Decrypt'] }),
    })
    expect(of('access')!.says).toMatch(/hangs on aws:SourceVpce/)
  })

  it('of a role whose policies IAM’s simulation reads otherwise', () => {
    const role = { arn: 'arn:aws:iam::111122223333:role/orders', account: '111122223333' }
    const policyOf = (kind: 'identity' | 'resource', more: object = {}) =>
      parsePolicy(JSON.stringify(document(allow('kms:*', '*', more))), kind)
    const none = { got: [] }
    const key = { arn: OTHER_KEY, policy: { got: '' }, grants: none, aliases: none }
    const [check] = judge({
      role: {
        ...role,
        policies: [{ name: 'p', policy: policyOf('identity') }],
        exists: true,
        checks: [],
      },
      session: 'orders',
      keyArn: OTHER_KEY,
      encryptionContext: CONTEXT,
      keyPolicy: { policy: policyOf('resource', account(role.account)) },
      grants: { grants: [] },
      simulated: { decision: 'implicitDeny', missing: [] },
      call: circumstancesOf(role, { ...key, broken: false, checks: [] }, CONTEXT),
    })
    expect(check).toMatchObject({ id: 'simulation', status: 'unchecked' })
  })

  it('of an endpoint whose policy names the account, which may mean its root user', async () => {
    const { of } = await said({ network: behind(allow('*', '*', account('111122223333'))) })
    expect(of('endpoint-policy')!.status).toBe('unchecked')
  })

  it('of everyone whom a key policy names, where a permissions boundary limits the role', async () => {
    const { of } = await said({
      policies: nothing,
      boundary: () => document(allow('s3:*', '*')),
      keyPolicy: (role) =>
        document(
          allow('kms:Decrypt', '*', {
            ...principal('*'),
            Condition: { ArnEquals: { 'aws:PrincipalArn': role } },
          }),
        ),
    })
    expect(of('access')).toMatchObject({ status: 'unchecked' })
    expect(of('access')!.says).toMatch(/names everyone/)
  })

  it('but what the key policy of its own account says, it says of a foreign role too', async () => {
    const role = 'arn:aws:iam::444455556666:role/orders'
    const { of } = await said({
      then: ({ options }) => {
        delete options.functionName
        options.role = role
      },
    })
    expect(of('key-policy')!.says).toMatch(/^whatever the role's policies say, the key policy/)
  })
})

const NO_KEY = '00000000-0000-4000-8000-000000000000'

const replaceAll = (file: unknown, pattern: RegExp, by: string): unknown =>
  JSON.parse(JSON.stringify(file).replaceAll(new RegExp(pattern, 'g'), by))

/** Each field of the current pair as the file has it. */
const pairOf = (file: any) => file.dataKeyPairs[file.current]

function changeContext(file: any, to: Record<string, string>) {
  file.encryptionContext = to
  return file
}

function alterBlob(file: any) {
  const [blob] = pairOf(file).privateKeyCiphertextBlobs
  const bytes = Buffer.from(blob.ciphertextBlob, 'base64')
  bytes[bytes.length - 1]! ^= 1
  blob.ciphertextBlob = bytes.toString('base64')
  return file
}

/** Puts in another public key and all that follows from it, as an attacker would. */
function exchangePair(file: any) {
  const { publicKey } = localPair()
  const fingerprint = fingerprintOf(publicKey)
  const pair = { ...pairOf(file), publicKey: publicKey.toString('base64') }
  return { ...file, current: fingerprint, dataKeyPairs: { [fingerprint]: pair }, secrets: {} }
}

/** As above, with pins that vouch for it. */
async function pinsAfter(edit: (change: (file: any) => unknown) => Promise<void>) {
  const { pinOf } = await import('../../src/seal/data-key-pair.js')
  let pins: string[] = []
  await edit((file) => {
    const changed = exchangePair(file)
    pins = [pinOf(Buffer.from(pairOf(changed).publicKey, 'base64'))]
    return changed
  })
  return pins
}

/** The token with the last bit of its tag the other way. */
function altered(token: string): string {
  const decoded = decodeToken(token) as Token
  const ciphertext = Buffer.from(decoded.ciphertext)
  ciphertext[ciphertext.length - 1]! ^= 1
  return encodeToken({ ...decoded, ciphertext })
}

/** The token as one that is sealed to a pair which nobody knows. */
const ofAnotherPair = (token: string) =>
  encodeToken({ ...(decodeToken(token) as Token), fingerprint: '00'.repeat(8) })
