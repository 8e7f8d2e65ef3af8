import { type LocalKms, startLocalKms } from '@unplugin-kms/local-kms'
import { rm } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { diagnose } from '../../src/doctor/doctor.js'
import { initSecretsFile } from '../../src/secrets/init.js'
import { setSecret } from '../../src/secrets/set.js'
import { behind, INSIDE, INTERFACE, NAT } from './networks.js'
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
