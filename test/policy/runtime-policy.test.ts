import { DecryptCommand, EncryptCommand, KMSClient } from '@aws-sdk/client-kms'
import fc from 'fast-check'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  applies,
  parsePolicy,
  requestContext,
  startLocalKms,
  type LocalKms,
} from '../../packages/local-kms/src/index.js'
import { contextConditions } from '../../packages/local-kms/src/policy/index.js'
import { decryptStatements, runtimePolicy } from '../../src/policy/runtime-policy.js'
import { documentOf, type Statement } from '../../src/policy/statement.js'
import { newSecretsFile, writeSecretsFile } from '../../src/secrets-file/serialize.js'
import { initSecretsFile } from '../../src/secrets/init.js'
import { setSecret } from '../../src/secrets/set.js'
import { BUNDLERS } from '../support/bundle.js'
import { KEY_ARN, localPair } from '../support/project.js'
import { exportsOf } from '../support/run.js'

const CONTEXT = { app: 'orders', stage: 'prod' }

let kms: LocalKms
let key: string
let statements: Statement[]
/** Opens the bundle in a process of its own, with a role that has these statements. */
let opens: (granted: Statement[]) => Promise<boolean>

const admin = (region = kms.region) =>
  new KMSClient({ endpoint: kms.url, region, credentials: kms.admin.credentials })
const encrypt = async (KeyId: string, EncryptionContext: Record<string, string>) => {
  const region = KeyId.split(':')[3]!
  const { CiphertextBlob } = await admin(region).send(
    new EncryptCommand({ KeyId, EncryptionContext, Plaintext: Buffer.from('secret') }),
  )
  return CiphertextBlob!
}
let roles = 0
const roleWith = (granted: Statement[]) =>
  kms.createRole({
    name: `role-${(roles += 1)}`,
    policies: granted.length ? [documentOf(granted)] : [],
  })
/** Whether a role with these statements may decrypt what was encrypted so. */
async function mayDecrypt(
  granted: Statement[],
  EncryptionContext: Record<string, string>,
  KeyId = key,
) {
  const client = new KMSClient({
    endpoint: kms.url,
    region: KeyId.split(':')[3]!,
    credentials: kms.credentialsOf(roleWith(granted).arn),
  })
  const CiphertextBlob = await encrypt(KeyId, EncryptionContext)
  return client.send(new DecryptCommand({ KeyId, CiphertextBlob, EncryptionContext })).then(
    () => true,
    (error: Error) => {
      expect(error.name).toBe('AccessDeniedException')
      return false
    },
  )
}

const folders: string[] = []
beforeAll(async () => {
  kms = await startLocalKms()
  key = (await kms.createKey()).arn
  const foreign = Buffer.from(await encrypt(key, { of: 'another' })).toString('base64')
  const root = await mkdtemp(join(tmpdir(), 'unplugin-kms-'))
  folders.push(root)
  await mkdir(join(root, 'src'))
  await writeFile(
    join(root, 'src/main.ts'),
    `import { secret } from 'unplugin-kms/secret'
      export const named = secret.named('DB_PASSWORD')
      export const direct = secret.ciphertext('${foreign}', { of: 'another' }, { keyId: '${key}' })`,
  )
  const secretsFile = join(root, 'kms-secrets.json')
  const aws = { endpoint: kms.url, region: kms.region, credentials: kms.admin.credentials }
  await initSecretsFile({
    secretsFile,
    keyIds: [key],
    encryptionContext: CONTEXT,
    aws,
    types: false,
  })
  await setSecret('DB_PASSWORD', Buffer.from('hunter2hunter2'), { secretsFile })
  const { outputs } = await BUNDLERS[0]!.bundle({ root })
  statements = await runtimePolicy({ bundles: [join(root, 'out')] })
  opens = (granted) =>
    exportsOf(outputs[0]!, kms.envFor(kms.credentialsOf(roleWith(granted).arn))).then(
      (values) => {
        expect(values).toEqual({ named: 'hunter2hunter2', direct: 'secret' })
        return true
      },
      (error: Error) => {
        expect(error.message).toContain('KMS_DENIED')
        return false
      },
    )
})
afterAll(async () => {
  await kms.close()
  for (const folder of folders) await rm(folder, { recursive: true })
})

const without = <T>(list: T[], index: number) => list.filter((_, i) => i !== index)
const changed = (index: number, change: Partial<Statement>) =>
  statements.map((statement, i) => (i === index ? { ...statement, ...change } : statement))

describe('the policy of a bundle', () => {
  it('has a statement per context, and lets the bundle decrypt', async () => {
    expect(statements.map(({ Action, Resource }) => [Action, Resource])).toEqual([
      ['kms:Decrypt', key],
      ['kms:Decrypt', key],
    ])
    expect(await opens(statements)).toBe(true)
  })

  it.each([0, 1])(
    'does not let the bundle decrypt without statement %i or with another one',
    async (index) => {
      const { Condition } = statements[index]!
      const foreign = await kms.createKey()
      const names = Object.keys(Condition!.StringEquals!)
      const values = Object.fromEntries(names.map((name) => [name, 'other']))
      const broken = [
        without(statements, index),
        changed(index, { Action: 'kms:DescribeKey' }),
        changed(index, { Resource: foreign.arn }),
        changed(index, { Condition: { ...Condition!, StringEquals: values } }),
        changed(index, {
          Condition: {
            ...Condition!,
            'ForAllValues:StringEquals': { 'kms:EncryptionContextKeys': 'other' },
          },
        }),
      ]
      for (const granted of broken) expect(await opens(granted)).toBe(false)
    },
  )
})

describe('each condition', () => {
  const ofFile = () => decryptStatements([{ keyArn: key, encryptionContext: CONTEXT }])
  /** What only this condition keeps out. */
  const KEPT_OUT: [string, string, Record<string, string>][] = [
    ['StringEquals', 'kms:EncryptionContext:app', { app: 'other', stage: 'prod' }],
    ['StringEquals', 'kms:EncryptionContext:stage', { app: 'orders' }],
    [
      'ForAllValues:StringEquals',
      'kms:EncryptionContextKeys',
      { app: 'orders', stage: 'prod', tenant: 'other' },
    ],
    ['ForAllValues:StringEquals', 'kms:EncryptionContextKeys', { APP: 'orders', stage: 'prod' }],
  ]

  it.each(KEPT_OUT)('%s of %s is what rejects %j', async (operator, name, context) => {
    expect(await mayDecrypt(ofFile(), CONTEXT)).toBe(true)
    expect(await mayDecrypt(ofFile(), context)).toBe(false)
    const widened = ofFile()
    delete widened[0]!.Condition![operator]![name]
    expect(await mayDecrypt(widened, context)).toBe(true)
  })

  it('of a file without a context rejects every context', async () => {
    const granted = decryptStatements([{ keyArn: key, encryptionContext: {} }])
    expect(await mayDecrypt(granted, {})).toBe(true)
    expect(await mayDecrypt(granted, { app: 'orders' })).toBe(false)
    const widened = [{ ...granted[0]!, Condition: {} }]
    expect(await mayDecrypt(widened, { app: 'orders' })).toBe(true)
  })
})

it('of a secrets file names the keys of every pair', async () => {
  const secretsFile = join(folders[0]!, 'rotated.json')
  const earlier = localPair(KEY_ARN.replace('1111-', '2222-'))
  const file = newSecretsFile(secretsFile, localPair())
  file.pairs.set(earlier.fingerprint, { ...earlier, scope: 'default', recovery: [] })
  await writeSecretsFile(file)
  const [statement] = await runtimePolicy({ secretsFile })
  expect(statement!.Resource).toEqual([KEY_ARN, earlier.wrapped[0]!.keyId].sort())
})

it('names each region’s key of a multi-Region key, and each is needed there', async () => {
  const primary = await kms.createKey({ multiRegion: true })
  const { ReplicateKeyCommand } = await import('@aws-sdk/client-kms')
  await admin().send(new ReplicateKeyCommand({ KeyId: primary.arn, ReplicaRegion: 'eu-west-1' }))
  const keys = [primary.arn, primary.arn.replace(kms.region, 'eu-west-1')]
  const granted = decryptStatements(keys.map((keyArn) => ({ keyArn, encryptionContext: CONTEXT })))
  expect(granted).toHaveLength(1)
  for (const [index, keyArn] of keys.entries()) {
    expect(await mayDecrypt(granted, CONTEXT, keyArn)).toBe(true)
    const less = [{ ...granted[0]!, Resource: keys[1 - index]! }]
    expect(await mayDecrypt(less, CONTEXT, keyArn)).toBe(false)
  }
})

it('allows its own context and no other, whatever they contain', () => {
  const text = fc.oneof(
    fc.string({ minLength: 1 }),
    fc.constantFrom('${aws:PrincipalArn}', '*', '?', '${*}', '${', '$${x}', '__proto__', 'app'),
  )
  // IAM compares the names of condition keys without case: two that differ in case alone are one.
  const contexts = fc.dictionary(text, text, { maxKeys: 3 }).filter((context) => {
    const names = Object.keys(context)
    return new Set(names.map((name) => name.toLowerCase())).size === names.length
  })
  const allows = (granted: Record<string, string>, asked: Record<string, string>) => {
    const policy = parsePolicy(
      JSON.stringify(
        documentOf(decryptStatements([{ keyArn: KEY_ARN, encryptionContext: granted }])),
      ),
      'identity',
    )
    const caller = {
      accountId: '111122223333',
      arn: 'arn:aws:iam::111122223333:role/r',
      principalArn: 'arn:aws:iam::111122223333:role/r',
      userId: 'x',
      mfaPresent: false,
      identityPolicies: [],
    }
    const context = requestContext([
      ['aws:PrincipalArn', caller.principalArn],
      ...contextConditions(asked),
    ])
    const question = { caller, action: 'kms:Decrypt', resource: KEY_ARN, context }
    return policy.statements.some((statement) => applies(statement, policy, question))
  }
  const sorted = (context: Record<string, string>) => JSON.stringify(Object.entries(context).sort())
  fc.assert(
    fc.property(contexts, contexts, (granted, asked) => {
      expect(allows(granted, granted)).toBe(true)
      expect(allows(granted, asked)).toBe(sorted(granted) === sorted(asked))
    }),
    { numRuns: 500 },
  )
})
