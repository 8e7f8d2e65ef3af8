import {
  DecryptCommand,
  DescribeKeyCommand,
  DisableKeyCommand,
  EncryptCommand,
  GetKeyPolicyCommand,
  KMSClient,
} from '@aws-sdk/client-kms'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startLocalKms, type LocalKms, type PolicyDocument } from '../../src/index.js'

let kms: LocalKms
beforeAll(async () => {
  kms = await startLocalKms()
})
afterAll(() => kms.close())

const keyOf = (policy?: PolicyDocument) =>
  kms.createKey({ accountId: '444455556666', ...(policy && { policy }) })

const letting = (AWS: string) => {
  const root = 'arn:aws:iam::444455556666:root'
  const statement = {
    Effect: 'Allow',
    Principal: { AWS: [root, AWS] },
    Action: 'kms:*',
    Resource: '*',
  }
  return { Version: '2012-10-17', Statement: [statement] }
}

/** Encrypts and decrypts as a user of the local KMS's account. */
async function roundTrip(name: string, KeyId: string, ...actions: string[]) {
  const policy = {
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Action: ['kms:ListKeys', ...actions], Resource: '*' }],
  }
  const { credentials } = kms.createUser({ name, policies: [policy] })
  const client = new KMSClient({ endpoint: kms.url, region: kms.region, credentials })
  const { CiphertextBlob } = await client.send(
    new EncryptCommand({ KeyId, Plaintext: Buffer.from('hunter2') }),
  )
  const { Plaintext } = await client.send(new DecryptCommand({ KeyId, CiphertextBlob }))
  return Buffer.from(Plaintext!).toString()
}

describe('a key of another account', () => {
  it('needs the key policy and an IAM policy of the caller’s account', async () => {
    const { arn } = await keyOf(letting('arn:aws:iam::111122223333:root'))
    expect(arn).toContain(':444455556666:')
    expect(await roundTrip('both', arn, 'kms:Encrypt', 'kms:Decrypt')).toBe('hunter2')
  })

  it('is denied if only the key policy allows it', async () => {
    const { arn } = await keyOf(letting('arn:aws:iam::111122223333:user/named'))
    await expect(roundTrip('named', arn)).rejects.toThrow('no identity-based policy allows')
  })

  it('is denied if the key policy delegates to its own account only', async () => {
    const { arn } = await keyOf()
    await expect(roundTrip('stranger', arn, 'kms:*')).rejects.toThrow(
      'no resource-based policy allows',
    )
  })

  it('can only be managed by its own account', async () => {
    const { arn: KeyId } = await keyOf(letting('arn:aws:iam::111122223333:root'))
    const { credentials } = kms.admin
    const client = new KMSClient({ endpoint: kms.url, region: kms.region, credentials })
    await client.send(new DescribeKeyCommand({ KeyId }))
    for (const refused of [
      client.send(new GetKeyPolicyCommand({ KeyId, PolicyName: 'default' })),
      client.send(new DisableKeyCommand({ KeyId })),
    ])
      await expect(refused).rejects.toThrow('no resource-based policy allows')
  })
})
