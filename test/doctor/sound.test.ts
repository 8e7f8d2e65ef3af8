import { CreateAliasCommand, ReplicateKeyCommand } from '@aws-sdk/client-kms'
import { type LocalKms, startLocalKms } from '@unplugin-kms/local-kms'
import { rm } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { diagnose } from '../../src/doctor/doctor.js'
import { initSecretsFile } from '../../src/secrets/init.js'
import { setSecret } from '../../src/secrets/set.js'
import { withEndpointPolicy, INSIDE, INTERFACE, NAT } from './networks.js'
import { alias, allow, context, deny, document, nothing, principal, sessionOf } from './policies.js'
import { type Changes, CONTEXT, decrypts, VALUE, world } from './world.js'

let kms: LocalKms
beforeAll(async () => {
  kms = await startLocalKms()
})
afterAll(() => kms.close())

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
    'a grant, where the key policy does not name the role and the role has no policy',
    {
      policies: nothing,
      keyPolicy: () => document(),
      change: ({ key, role }) =>
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
      change: async ({ kms: { createKey }, key, secretsFile, options: { aws = {} } }) => {
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
    {
      network: withEndpointPolicy(
        allow('kms:Decrypt', '*', { ...principal('*'), ...context('orders') }),
      ),
    },
  ],
  [
    'a VPC with an endpoint without private DNS, whose own name the function has',
    {
      environment: {
        AWS_ENDPOINT_URL_KMS: 'https://vpce-0-1a2b.kms.us-east-1.vpce.amazonaws.com',
      },
      network: { endpoints: [{ ...INTERFACE, privateDns: false }], routeTables: [INSIDE] },
    },
  ],
  ['a VPC with a NAT gateway', { network: { routeTables: [NAT] } }],
  [
    'a VPC with a NAT gateway, and a key in another region',
    { keyRegion: 'eu-west-1', network: { routeTables: [NAT] } },
  ],
  [
    'an alias that leads where it led',
    { change: ({ options, alias }) => (options.keyIds = [alias]) },
  ],
  ['the key named by its ARN', { change: ({ options, key }) => (options.keyIds = [key]) }],
  [
    'an alias that resolves to the same multi-Region key in another region',
    {
      multiRegion: true,
      change: async ({ options, client, key, alias }) => {
        await client().send(new ReplicateKeyCommand({ KeyId: key, ReplicaRegion: 'eu-west-1' }))
        const replica = client({ region: 'eu-west-1' })
        const TargetKeyId = key.split('/')[1]
        await replica.send(new CreateAliasCommand({ AliasName: alias, TargetKeyId }))
        options.keyIds = [`arn:aws:kms:eu-west-1:111122223333:${alias}`]
      },
    },
  ],
  [
    'a further key that nothing is sealed under yet',
    {
      change: async ({ options, kms: { createKey }, key }) => {
        options.keyIds = [key, (await createKey({ region: 'eu-west-1' })).arn]
      },
    },
  ],
  [
    'a function without a region, which is looked for in that of the key',
    {
      keyRegion: 'us-east-1',
      change: ({ options: { aws = {} } }) => {
        delete aws.region
        for (const name of ['AWS_REGION', 'AWS_DEFAULT_REGION']) vi.stubEnv(name, undefined)
        vi.stubEnv('AWS_CONFIG_FILE', '/nowhere')
      },
    },
  ],
]

describe('doctor', () => {
  it.each(SOUND)('reports no finding for %s', async (_, changes) => {
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
