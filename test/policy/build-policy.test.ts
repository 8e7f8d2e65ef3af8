import { KMSClient, GenerateDataKeyPairWithoutPlaintextCommand } from '@aws-sdk/client-kms'
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm'
import * as esbuild from 'esbuild'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startLocalKms, type LocalKms } from '../../packages/local-kms/src/index.js'
import plugin from '../../src/bundlers/esbuild.js'
import type { Options } from '../../src/options/types.js'
import { buildPolicy, type BuildPolicyOptions } from '../../src/policy/build-policy.js'
import { documentOf, type Statement } from '../../src/policy/statement.js'
import { project, secretsFile } from '../support/project.js'

const CONTEXT = { app: 'orders' }
const ENV = { env: { API_KEY: 'sk_live_0123456789' } }

let kms: LocalKms
let key: string
let other: string
let source: string
const clientOf = (arn: string) => ({
  endpoint: kms.url,
  region: kms.region,
  credentials: kms.credentialsOf(arn),
})
beforeAll(async () => {
  kms = await startLocalKms()
  key = (await kms.createKey({ alias: 'alias/orders' })).arn
  other = (await kms.createKey({ region: 'eu-west-1' })).arn
  source = (await kms.createKey()).arn
  const ssm = new SSMClient(clientOf(kms.admin.arn))
  for (const Name of ['/prod/token', 'plain', '/prod/other'])
    await ssm.send(
      new PutParameterCommand({
        Name,
        Value: 'ssm-0123456789',
        Type: 'SecureString',
        KeyId: source,
      }),
    )
  await new SecretsManagerClient(clientOf(kms.admin.arn)).send(
    new CreateSecretCommand({ Name: 'prod/db', SecretString: 'sm-0123456789', KmsKeyId: source }),
  )
})
afterAll(() => kms.close())

let roles = 0
/** Builds with a role that has these statements. @returns the code of the failure, or `built`. */
async function build(root: string, granted: Statement[], options: Options): Promise<string> {
  const role = kms.createRole({
    name: `build-${(roles += 1)}`,
    policies: granted.length ? [documentOf(granted)] : [],
  })
  return esbuild
    .build({
      entryPoints: [join(root, 'src/main.ts')],
      outdir: join(root, 'out'),
      bundle: true,
      platform: 'node',
      format: 'esm',
      logLevel: 'silent',
      plugins: [plugin({ ...options, ...ENV, aws: clientOf(role.arn) })],
    })
    .then(
      () => 'built',
      (error: Error) => /\[([A-Z_]+)\]/.exec(error.message)?.[1] ?? error.message,
    )
}

const marks = (...lines: string[]) => ({
  'src/main.ts': `import { secret } from 'unplugin-kms/secret'\n${lines
    .map((line, index) => `export const v${index} = secret.${line}`)
    .join('\n')}`,
})
const policyOf = (root: string, options: Partial<BuildPolicyOptions> = {}) =>
  buildPolicy({
    paths: [join(root, 'src')],
    aws: clientOf(kms.admin.arn),
    ...options,
  })

it('the policy of a build that uses only entries is empty, and is enough', async () => {
  const root = await project(marks("named('A')", "env('API_KEY')"))
  const path = join(root, 'kms-secrets.json')
  await secretsFile(path, { A: 'value' })
  expect(await policyOf(root, { secretsFile: path })).toEqual([])
  expect(await build(root, [], { secretsFile: path })).toBe('built')
})

interface Case {
  title: string
  marks: string[]
  options: () => { keyIds?: string[]; mode?: 'direct'; sourceKeys?: string[] }
  actions: string[]
}
const CASES: Case[] = [
  {
    title: 'a build that makes a data key pair',
    marks: ["env('API_KEY')"],
    options: () => ({ keyIds: ['alias/orders'] }),
    actions: ['kms:GenerateDataKeyPairWithoutPlaintext'],
  },
  {
    title: 'a build for unrelated keys',
    marks: ["env('API_KEY')"],
    options: () => ({ keyIds: [key, other] }),
    actions: ['kms:Encrypt'],
  },
  {
    title: 'a build in mode direct',
    marks: ["env('API_KEY')"],
    options: () => ({ keyIds: [key], mode: 'direct' }),
    actions: ['kms:Encrypt'],
  },
  {
    title: 'a build that passes parameters on, under a key named by alias',
    marks: ["ssm('/prod/token')", "ssm('plain:1')"],
    options: () => ({ keyIds: ['alias/orders'] }),
    actions: ['kms:DescribeKey', 'ssm:GetParameters'],
  },
  {
    title: 'a build that seals a parameter and a secret of Secrets Manager',
    marks: ["ssm('/prod/token', { decrypt: true })", "secretsManager('prod/db')"],
    options: () => ({ keyIds: [key], sourceKeys: [source] }),
    actions: [
      'kms:GenerateDataKeyPairWithoutPlaintext',
      'ssm:GetParameters',
      'secretsmanager:GetSecretValue',
      'kms:Decrypt',
      'kms:Decrypt',
    ],
  },
]

describe.each(CASES)('$title', ({ marks: lines, options, actions }) => {
  it('needs every printed statement, and nothing else', async () => {
    const root = await project(marks(...lines))
    const { keyIds = [], mode, sourceKeys = [] } = options()
    const statements = await policyOf(root, {
      keyIds,
      sourceKeys,
      encryptionContext: CONTEXT,
      ...(mode && { mode }),
    })
    expect(statements.map(({ Action }) => Action)).toEqual(actions)
    const given = { keyId: keyIds, encryptionContext: CONTEXT, ...(mode && { mode }) }
    expect(await build(root, statements, given)).toBe('built')
    for (const [index, statement] of statements.entries()) {
      const less = (change?: Partial<Statement>) =>
        statements.flatMap((one, i) => (i !== index ? one : change ? { ...one, ...change } : []))
      const broken = [
        less(),
        less({ Resource: 'arn:aws:kms:us-east-1:111122223333:key/another' }),
        ...[statement.Resource]
          .flat()
          .map((_, i, all) =>
            less({ Resource: all.length > 1 ? all.filter((_one, at) => at !== i) : 'arn:aws:x' }),
          ),
      ]
      for (const granted of broken) expect(await build(root, granted, given)).toMatch(/DENIED/)
      if (statement.Action === 'kms:Encrypt' || statement.Action.startsWith('kms:Generate'))
        expect(
          await build(root, statements, { ...given, encryptionContext: { app: 'other' } }),
        ).toBe('KMS_DENIED')
    }
  })
})

it('the condition on the spec rejects pairs of other specs', async () => {
  const root = await project(marks("env('API_KEY')"))
  const [statement] = await policyOf(root, { keyIds: [key], encryptionContext: CONTEXT })
  const makes = async (granted: Statement) => {
    const role = kms.createRole({ name: `pair-${(roles += 1)}`, policies: [documentOf([granted])] })
    const command = new GenerateDataKeyPairWithoutPlaintextCommand({
      KeyId: key,
      KeyPairSpec: 'ECC_NIST_P384',
      EncryptionContext: CONTEXT,
    })
    return new KMSClient(clientOf(role.arn)).send(command).then(
      () => 'made',
      (error: Error) => error.name,
    )
  }
  expect(await makes(statement!)).toBe('AccessDeniedException')
  delete statement!.Condition!.StringEquals!['kms:DataKeyPairSpec']
  expect(await makes(statement!)).toBe('made')
})

it('the statement for parameters allows only those of the marks, through SSM', async () => {
  const root = await project(marks("ssm('/prod/token', { decrypt: true })"))
  const statements = await policyOf(root, { keyIds: [key], sourceKeys: [source] })
  const other = await project(marks("ssm('/prod/other', { decrypt: true })"))
  const widened = statements.map((one) =>
    one.Sid === 'ReadParameters' ? { ...one, Resource: '*' } : one,
  )
  expect(await build(other, widened, { keyId: key })).toMatch(/DENIED/)
  expect(statements.at(-1)!.Condition!.StringEquals).toEqual({
    'kms:ViaService': 'ssm.us-east-1.amazonaws.com',
  })
})

it('asks for account and region if no key has them', async () => {
  const root = await project(marks("secretsManager('prod/db')"))
  const path = join(root, 'kms-secrets.json')
  await secretsFile(path, {})
  const [statement] = await policyOf(root, { secretsFile: path })
  expect(statement!.Resource).toBe(
    'arn:aws:secretsmanager:us-east-1:111122223333:secret:prod/db-??????',
  )
  const passing = await project(marks("ssm('/prod/token', { keyId: 'alias/orders' })"))
  await expect(policyOf(passing)).rejects.toThrow(/the account of .* --account .*ARGUMENT_INVALID/s)
  await expect(policyOf(await project(marks("env('X')")))).rejects.toThrow(/KEY_MISSING/)
})
