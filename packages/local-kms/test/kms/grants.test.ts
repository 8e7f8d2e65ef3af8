import {
  DecryptCommand,
  EncryptCommand,
  KMSClient,
  ListGrantsCommand,
  ReplicateKeyCommand,
} from '@aws-sdk/client-kms'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
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

it('does not copy the grants of a primary to its replica', async () => {
  const { keyId: KeyId, arn } = await kms.createKey({ multiRegion: true })
  kms.createGrant({ key: arn, granteePrincipal: kms.admin.arn, operations: ['Decrypt'] })
  await client().send(new ReplicateKeyCommand({ KeyId, ReplicaRegion: 'eu-west-1' }))
  const { credentials } = kms.admin
  const there = new KMSClient({ endpoint: kms.url, region: 'eu-west-1', credentials })
  expect((await there.send(new ListGrantsCommand({ KeyId }))).Grants).toEqual([])
})

describe('a grant', () => {
  it('allows its operations to its grantee without any policy', () =>
    decrypts({ operations: ['Decrypt'] }))

  it('allows no other operation', () =>
    expect(decrypts({ operations: ['Encrypt'] })).rejects.toThrow('not authorized'))

  it('allows its encryption context only', async () => {
    await decrypts({ operations: ['Decrypt'], encryptionContextEquals: CONTEXT })
    await expect(
      decrypts({ operations: ['Decrypt'], encryptionContextEquals: { app: 'billing' } }),
    ).rejects.toThrow('not authorized')
  })

  it('does not override an explicit deny', () =>
    expect(
      decrypts({ operations: ['Decrypt'] }, [
        {
          Version: '2012-10-17',
          Statement: [{ Effect: 'Deny', Action: 'kms:Decrypt', Resource: '*' }],
        },
      ]),
    ).rejects.toThrow('explicit deny'))

  it('is listed, also by grantee', async () => {
    const { arn } = kms.createRole({ name: 'listed' })
    kms.createGrant({ key, granteePrincipal: arn, operations: ['Decrypt'] })
    const { Grants } = await client().send(
      new ListGrantsCommand({ KeyId: key, GranteePrincipal: arn }),
    )
    expect(Grants).toMatchObject([{ KeyId: key, GranteePrincipal: arn, Operations: ['Decrypt'] }])
  })
})
