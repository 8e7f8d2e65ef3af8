import {
  DecryptCommand,
  EncryptCommand,
  GenerateDataKeyPairWithoutPlaintextCommand,
  KMSClient,
} from '@aws-sdk/client-kms'
import { startLocalKms, type LocalKms } from '@unplugin-kms/local-kms'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildPolicy } from '../../src/policy/build-policy.js'
import { keyPolicyParts } from '../../src/policy/key-policy.js'
import { decryptStatements } from '../../src/policy/runtime-policy.js'
import type { Statement } from '../../src/policy/statement.js'
import { allow, document, principal } from '../doctor/policies.js'
import { KEY_ARN, project } from '../support/project.js'

const CONTEXT = { app: 'orders' }

let kms: LocalKms
beforeAll(async () => {
  kms = await startLocalKms()
})
afterAll(() => kms.close())

const clientOf = (arn: string) =>
  new KMSClient({ endpoint: kms.url, region: kms.region, credentials: kms.credentialsOf(arn) })

let roles = 0
/** A key whose policy names its administrator and has this part, and a role without any policy. */
async function keyWith(part: Statement[], role: string) {
  const administrator = allow('kms:*', '*', principal(kms.admin.arn))
  const { arn } = await kms.createKey({ policy: document(administrator, ...part) })
  return { key: arn, client: clientOf(role) }
}
const roleWithout = () => kms.createRole({ name: `role-${(roles += 1)}` }).arn

const outcome = (call: Promise<unknown>) =>
  call.then(
    () => 'done',
    (error: Error) => error.name,
  )

describe('the key policy’s part', () => {
  it('allows only the role to decrypt, with that context only', async () => {
    const role = roleWithout()
    const granted = decryptStatements([{ keyArn: KEY_ARN, encryptionContext: CONTEXT }])
    const { key, client } = await keyWith(keyPolicyParts(granted, role)[0]!.statements, role)
    const decrypts = async (by: KMSClient, EncryptionContext: Record<string, string>) => {
      const encrypt = { KeyId: key, EncryptionContext, Plaintext: Buffer.from('x') }
      const { CiphertextBlob } = await clientOf(kms.admin.arn).send(new EncryptCommand(encrypt))
      return outcome(by.send(new DecryptCommand({ KeyId: key, CiphertextBlob, EncryptionContext })))
    }
    expect(await decrypts(client, CONTEXT)).toBe('done')
    expect(await decrypts(client, { app: 'billing' })).toBe('AccessDeniedException')
    expect(await decrypts(clientOf(roleWithout()), CONTEXT)).toBe('AccessDeniedException')
  })

  it('allows the build’s role to create a data key pair', async () => {
    const root = await project({
      'main.ts': `import { secret } from 'unplugin-kms/secret'\nexport default secret.env('X')\n`,
    })
    const granted = await buildPolicy({
      paths: [join(root, 'main.ts')],
      keyIds: [KEY_ARN],
      encryptionContext: CONTEXT,
    })
    const role = roleWithout()
    const makes = async (part: Statement[]) => {
      const { key, client } = await keyWith(part, role)
      const command = new GenerateDataKeyPairWithoutPlaintextCommand({
        KeyId: key,
        KeyPairSpec: 'ECC_NIST_P256',
        EncryptionContext: CONTEXT,
      })
      return outcome(client.send(command))
    }
    expect(await makes(keyPolicyParts(granted, role)[0]!.statements)).toBe('done')
    expect(await makes([])).toBe('AccessDeniedException')
  })

  it('is empty for statements without a key', () => {
    const reading: Statement = {
      Sid: 'ReadParameters',
      Effect: 'Allow',
      Action: 'ssm:GetParameters',
      Resource: 'arn:aws:ssm:us-east-1:111122223333:parameter/a',
    }
    expect(keyPolicyParts([reading], 'arn:aws:iam::111122223333:role/build')).toEqual([])
  })
})
