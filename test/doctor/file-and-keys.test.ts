import {
  DeleteAliasCommand,
  DisableKeyCommand,
  ScheduleKeyDeletionCommand,
  UpdateAliasCommand,
} from '@aws-sdk/client-kms'
import { type LocalKms, startLocalKms } from '@unplugin-kms/local-kms'
import { readFile, writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { diagnose } from '../../src/doctor/doctor.js'
import {
  alterBlob,
  altered,
  changeContext,
  exchangePair,
  NO_KEY,
  ofAnotherPair,
  pinsAfter,
  replaceAll,
} from './broken-file.js'
import { type Broken, expectCause } from './cause.js'
import { world } from './world.js'

let kms: LocalKms
beforeAll(async () => {
  kms = await startLocalKms()
})
afterAll(() => kms.close())

const FILE: Broken[] = [
  [
    'a truncated secrets file',
    'file',
    /not valid JSON/,
    {
      change: async ({ secretsFile }) =>
        writeFile(secretsFile, (await readFile(secretsFile, 'utf8')).slice(0, -20)),
    },
  ],
  [
    'a secrets file of another version',
    'file',
    /version 2/,
    { change: ({ edit }) => edit((file) => ({ ...file, version: 2 })) },
  ],
  [
    'a token of a pair that is not in the file',
    'file',
    /secrets\.DB_PASSWORD/,
    {
      change: ({ edit }) =>
        edit(
          (file) => (file.secrets.DB_PASSWORD = ofAnotherPair(file.secrets.DB_PASSWORD)) && file,
        ),
    },
  ],
  [
    'a public key that was exchanged, with its fingerprint',
    'pin',
    /is not the pinned one/,
    { change: ({ edit }) => edit(exchangePair) },
  ],
  [
    'a pin of another pair',
    'pin',
    /is not the pinned one/,
    { change: ({ options }) => (options.pins = [`sha256:${'0'.repeat(64)}`]) },
  ],
]

const KEY: Broken[] = [
  [
    'no credentials',
    'identity',
    /no AWS credentials|does not accept the credentials/,
    { change: ({ options, kms }) => (options.aws = { endpoint: kms.url, region: kms.region }) },
  ],
  [
    'a key of another kind',
    'key-usage',
    /has the key spec RSA_2048/,
    {
      change: async ({ kms, key, edit }) => {
        const { arn } = await kms.createKey({ spec: 'RSA_2048' })
        await edit((file) => replaceAll(file, new RegExp(key), arn))
      },
    },
  ],
  [
    'credentials that AWS does not accept',
    'identity',
    /no AWS credentials|does not accept the credentials/,
    {
      change: ({ options }) =>
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
    { change: ({ edit }) => edit((file) => replaceAll(file, /key\/[0-9a-f-]+/, 'key/' + NO_KEY)) },
  ],
  [
    'a key of another region',
    'key-exists',
    /eu-west-3:.*does not exist: .*region/,
    { change: ({ edit }) => edit((file) => replaceAll(file, /kms:us-east-1/, 'kms:eu-west-3')) },
  ],
  [
    'a disabled key',
    'key-enabled',
    /is disabled/,
    { change: ({ client, key }) => client().send(new DisableKeyCommand({ KeyId: key })) },
  ],
  [
    'a key about to be deleted',
    'key-enabled',
    /scheduled for deletion on \d{4}-/,
    { change: ({ client, key }) => client().send(new ScheduleKeyDeletionCommand({ KeyId: key })) },
  ],
  [
    'an alias that was pointed elsewhere',
    'alias',
    /resolves to .*someone repointed it/,
    {
      change: async ({ options, alias, client, kms }) => {
        options.keyIds = [alias]
        const { keyId } = await kms.createKey()
        await client().send(new UpdateAliasCommand({ AliasName: alias, TargetKeyId: keyId }))
      },
    },
  ],
  [
    'a key that the configuration does not name',
    'alias',
    /the option keyId names .*, and the sealed values need/,
    {
      change: async ({ options, kms: { createKey } }) => {
        options.keyIds = [(await createKey()).arn]
      },
    },
  ],
  [
    'an alias that was deleted',
    'alias',
    /resolves to no key/,
    {
      change: async ({ options, alias, client }) => {
        options.keyIds = [alias]
        await client().send(new DeleteAliasCommand({ AliasName: alias }))
      },
    },
  ],
  [
    'an encryption context that was changed in the file',
    'wrapping',
    /cannot decrypt .*InvalidCiphertextException/,
    { change: ({ edit }) => edit((file) => changeContext(file, { app: 'billing' })) },
  ],
  [
    'a wrapped private key that was altered',
    'wrapping',
    /cannot decrypt/,
    { change: ({ edit }) => edit((file) => alterBlob(file)) },
  ],
  [
    'a public key that is not that of the wrapped private key',
    'pair',
    /does not match the public key in the file/,
    {
      change: async ({ edit, options }) => {
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
      change: ({ edit, options }) => {
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
      change: ({ edit, options }) => {
        options.decrypt = true
        return edit(({ secrets: { API_KEY, DB_PASSWORD }, ...file }) => ({
          ...file,
          secrets: { API_KEY: DB_PASSWORD, DB_PASSWORD: API_KEY },
        }))
      },
    },
  ],
]

describe('doctor', () => {
  it.each([...FILE, ...KEY])('reports one cause, and first: %s', async (_, id, says, changes) => {
    const made = await world(kms, changes)
    expectCause(await diagnose(made.options), id, says)
  })
})

it('doctor calls STS in the region of the key, because of partitions', async () => {
  const { options } = await world(kms, { keyRegion: 'eu-west-3' })
  const aws = { ...options.aws }
  delete aws.region
  const calls = kms.journal.length
  await diagnose({ ...options, aws })
  const regions = kms.journal
    .slice(calls)
    .filter(({ operation }) => operation === 'GetCallerIdentity')
    .map(({ region }) => region)
  expect(regions).toEqual(['eu-west-3'])
})

it('doctor reports offline findings if AWS is not reached', async () => {
  const { options } = await world(kms, { change: ({ edit }) => edit(exchangePair) })
  const aws = { ...options.aws, endpoint: 'http://127.0.0.1:1' }
  const { checks, verdict } = await diagnose({ ...options, aws })
  expect(checks[0]).toMatchObject({ id: 'pin', status: 'found' })
  expect(verdict).toBe('found')
})
