import {
  DecryptCommand,
  EncryptCommand,
  KMSClient,
  ListGrantsCommand,
  ReplicateKeyCommand,
} from '@aws-sdk/client-kms'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startLocalKms, type LocalKms } from '../../src/index.js'

const CONTEXT = { app: 'orders' }
let kms: LocalKms
let key: string
beforeAll(async () => {
  kms = await startLocalKms()
  key = (await kms.createKey()).arn
})
afterAll(() => kms.close())

const client = (credentials = kms.admin.credentials) =>
  new KMSClient({ endpoint: kms.url, region: kms.region, credentials })

let count = 0
async function decrypts(
  grant: { operations: string[]; encryptionContextEquals?: Record<string, string> },
  policies: object[] = [],
) {
  const role = kms.createRole({ name: `role-${(count += 1)}`, policies })
  kms.createGrant({ key, granteePrincipal: role.arn, ...grant })
  const { CiphertextBlob } = await client().send(
    new EncryptCommand({ KeyId: key, Plaintext: Buffer.from('x'), EncryptionContext: CONTEXT }),
  )
  await client(kms.credentialsOf(role.arn)).send(
    new DecryptCommand({ KeyId: key, CiphertextBlob, EncryptionContext: CONTEXT }),
  )
}

test('a replica has none of the grants of its primary', async () => {
  const { keyId: KeyId, arn } = await kms.createKey({ multiRegion: true })
  kms.createGrant({ key: arn, granteePrincipal: kms.admin.arn, operations: ['Decrypt'] })
  await client().send(new ReplicateKeyCommand({ KeyId, ReplicaRegion: 'eu-west-1' }))
  const { credentials } = kms.admin
  const there = new KMSClient({ endpoint: kms.url, region: 'eu-west-1', credentials })
  expect((await there.send(new ListGrantsCommand({ KeyId }))).Grants).toEqual([])
})

describe('a grant', () => {
  test('lets its grantee do what it names, whatever the policies leave out', () =>
    decrypts({ operations: ['Decrypt'] }))

  test('lets nothing else', () =>
    expect(decrypts({ operations: ['Encrypt'] })).rejects.toThrow('not authorized'))

  test('lets it with its own encryption context alone', async () => {
    await decrypts({ operations: ['Decrypt'], encryptionContextEquals: CONTEXT })
    await expect(
      decrypts({ operations: ['Decrypt'], encryptionContextEquals: { app: 'billing' } }),
    ).rejects.toThrow('not authorized')
  })

  test('outdoes no explicit deny', () =>
    expect(
      decrypts({ operations: ['Decrypt'] }, [
        {
          Version: '2012-10-17',
          Statement: [{ Effect: 'Deny', Action: 'kms:Decrypt', Resource: '*' }],
        },
      ]),
    ).rejects.toThrow('explicit deny'))

  test('is listed, by its grantee too', async () => {
    const { arn } = kms.createRole({ name: 'listed' })
    kms.createGrant({ key, granteePrincipal: arn, operations: ['Decrypt'] })
    const { Grants } = await client().send(
      new ListGrantsCommand({ KeyId: key, GranteePrincipal: arn }),
    )
    expect(Grants).toMatchObject([{ KeyId: key, GranteePrincipal: arn, Operations: ['Decrypt'] }])
  })
})
