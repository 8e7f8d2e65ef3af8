import { execFile, spawnSync } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { startLocalKms, type LocalKms } from '@unplugin-kms/local-kms'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { invokeLambda } from '../../fixtures/lambda-runtime/index.mjs'
import { buildPolicy } from '../../src/policy/build-policy.js'
import { runtimePolicy } from '../../src/policy/runtime-policy.js'
import { documentOf } from '../../src/policy/statement.js'
import { terraform } from '../../src/policy/terraform.js'
import { readTemplate, type Template } from './cloudformation.js'
import { scenario, type Scenario } from './scenario.js'

const has = (command: string) => spawnSync(command, ['--version']).status === 0
const hasLint = has('cfn-lint')
const hasTerraform = has('terraform')

const ISSUER = 'token.actions.githubusercontent.com'
const docs = await readFile(join(import.meta.dirname, '../../docs/infrastructure.md'), 'utf8')
const block = (language: string) =>
  new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, 's').exec(docs)![1]!
const CLOUDFORMATION = block('yaml')
const TERRAFORM = block('hcl')

let kms: LocalKms
let keyId: string
let project: Scenario
let template: Template
beforeAll(async () => {
  kms = await startLocalKms()
  const values = (keyArn: string) => ({
    'AWS::Partition': 'aws',
    'AWS::AccountId': kms.accountId,
    Repository: 'acme/orders',
    Key: keyArn,
    'Key.Arn': keyArn,
    'BuildRole.Arn': 'arn:aws:iam::111122223333:role/build',
    'FunctionRole.Arn': 'arn:aws:iam::111122223333:role/function',
  })
  const { Resources } = readTemplate(CLOUDFORMATION, values('unknown yet'))
  keyId = (
    await kms.createKey({
      alias: Resources.Alias!.Properties.AliasName!,
      policy: Resources.Key!.Properties.KeyPolicy!,
    })
  ).arn
  template = readTemplate(CLOUDFORMATION, values(keyId))
  project = await scenario('infrastructure')
})
afterAll(() => Promise.all([kms.close(), project.remove()]))

const properties = (name: string) => template.Resources[name]!.Properties as Record<string, any>
const policyOf = (name: string) => properties(name).Policies[0].PolicyDocument as object

/** What `unplugin-kms policy` prints for the project. */
const context = { app: 'orders' }
const printed = async () => ({
  build: await buildPolicy({
    paths: [join(project.root, 'src')],
    keyIds: [keyId],
    encryptionContext: context,
  }),
  runtime: await runtimePolicy({ keyIds: [keyId], encryptionContext: context }),
})

describe('the CloudFormation template of the documentation', () => {
  it.skipIf(!hasLint)('has no findings of cfn-lint (if it is installed)', async () => {
    const path = join(project.root, 'template.yaml')
    await writeFile(path, CLOUDFORMATION)
    const { stdout } = await promisify(execFile)('cfn-lint', ['--regions', 'us-east-1', '--', path])
    expect(stdout).toBe('')
  })

  it('rotates the key, has its alias, and keeps it when the stack is deleted', () => {
    expect(properties('Key').EnableKeyRotation).toBe(true)
    expect(properties('Alias')).toEqual({ AliasName: 'alias/orders', TargetKeyId: keyId })
    expect(template.Resources.Key).toMatchObject({
      DeletionPolicy: 'Retain',
      UpdateReplacePolicy: 'Retain',
    })
  })

  it('has the statements that unplugin-kms policy prints', async () => {
    const { build, runtime } = await printed()
    expect(policyOf('BuildRole')).toEqual(documentOf(build))
    expect(policyOf('FunctionRole')).toEqual(documentOf(runtime))
  })

  it('allows CI to build and Lambda to decrypt, and nothing else', async () => {
    const provider = kms.createOidcProvider(`https://${ISSUER}`)
    const role = (name: string) => {
      const { AssumeRolePolicyDocument: trust } = properties(name)
      return kms.createRole({ name, policies: [policyOf(name)], trust }).arn
    }
    const BUILD = role('BuildRole')
    const token = join(project.root, 'token')
    const signIn = (sub: string) =>
      writeFile(token, provider.token({ sub, aud: 'sts.amazonaws.com' }))
    const { AWS_ACCESS_KEY_ID: _, AWS_SECRET_ACCESS_KEY: __, ...endpoints } = kms.env
    const ci = {
      ...endpoints,
      AWS_CONFIG_FILE: '/dev/null',
      AWS_EC2_METADATA_DISABLED: 'true',
      AWS_ROLE_ARN: BUILD,
      AWS_WEB_IDENTITY_TOKEN_FILE: token,
      STRIPE_KEY: 'stripe-key-of-the-ci',
    }

    await signIn('repo:acme/orders:pull_request')
    await expect(project.build(ci)).rejects.toMatchObject({
      stderr: expect.stringMatching(/AssumeRoleWithWebIdentity.*\[CREDENTIALS_MISSING\]/s),
    })
    await signIn('repo:acme/orders:ref:refs/heads/main')
    const bundle = await project.build(ci)

    const opens = kms.envFor(kms.credentialsOf(role('FunctionRole')))
    const invoke = async (env: Record<string, string>) =>
      (await invokeLambda({ bundle, events: [{}], env })).outcomes[0]
    expect(await invoke(opens)).toEqual({ answer: { length: 20 } })
    expect(await invoke(kms.envFor(kms.credentialsOf(BUILD)))).toMatchObject({
      error: { errorMessage: expect.stringContaining('AccessDeniedException') },
    })
    await expect(project.build({ ...opens, STRIPE_KEY: 'another-value' })).rejects.toMatchObject({
      stderr: expect.stringContaining('KMS denies kms:GenerateDataKeyPairWithoutPlaintext'),
    })
  })
})

describe('the Terraform of the documentation', () => {
  it.skipIf(!hasTerraform)('is formatted as terraform fmt does (if it is installed)', () => {
    const { status, stdout } = spawnSync('terraform', ['fmt', '-'], {
      input: TERRAFORM,
      encoding: 'utf8',
    })
    expect(status).toBe(0)
    expect(stdout).toBe(TERRAFORM)
  })

  it('rotates the key, has its alias, and does not destroy it', () => {
    expect(TERRAFORM).toMatch(/enable_key_rotation\s+= true/)
    expect(TERRAFORM).toMatch(/name\s+= "alias\/orders"/)
    expect(TERRAFORM).toMatch(/prevent_destroy = true/)
  })

  it('has the documents that unplugin-kms policy --format terraform prints', async () => {
    const { build, runtime } = await printed()
    const here = (text: string) => text.replaceAll(`"${keyId}"`, 'aws_kms_key.orders.arn')
    expect(TERRAFORM).toContain(here(terraform(build, 'build')))
    expect(TERRAFORM).toContain(here(terraform(runtime, 'runtime')))
  })
})
