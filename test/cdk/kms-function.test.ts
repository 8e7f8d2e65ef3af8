import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { KMSClient, PutKeyPolicyCommand } from '@aws-sdk/client-kms'
import { startLocalKms, type LocalKms } from '@unplugin-kms/local-kms'
import { App, Stack } from 'aws-cdk-lib'
import { Template } from 'aws-cdk-lib/assertions'
import { Key } from 'aws-cdk-lib/aws-kms'
import { Runtime } from 'aws-cdk-lib/aws-lambda'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { KmsFunctionProps } from '../../src/cdk/kms-function.js'
import { initSecretsFile, runtimePolicy, setSecrets, type Options } from '../../src/index.js'
import { allow, document, principal } from '../doctor/policies.js'
import { filesIn, project } from '../support/project.js'
import { run } from '../support/run.js'

// The construct starts a module of the built package.
const { KmsFunction } = (await import(
  new URL('../../dist/cdk/kms-function.js', import.meta.url).href
)) as typeof import('../../src/cdk/kms-function.js')

const SECRET = 'correct horse battery staple'
const HANDLER = `import { secret } from 'unplugin-kms/secret'
const password = secret.named('DB_PASSWORD')
export const handler = async () => await password
`

let kms: LocalKms
let keyArn: string
beforeAll(async () => {
  kms = await startLocalKms()
  // Its policy does not let the account's IAM policies decide.
  const policy = document(allow('kms:*', '*', principal(kms.admin.arn)))
  keyArn = (await kms.createKey({ policy })).arn
})
afterAll(() => kms.close())

const aws = (): NonNullable<Options['aws']> => ({
  endpoint: kms.url,
  region: kms.region,
  credentials: kms.credentialsOf(kms.admin.arn),
})

/** A project with a secrets file, and what builds its function. */
async function functionOf(handler = HANDLER) {
  const folder = await project({ 'src/handler.ts': handler })
  const secretsFile = join(folder, 'kms-secrets.json')
  const encryptionContext = { app: 'orders' }
  await initSecretsFile({
    secretsFile,
    keyIds: [keyArn],
    types: false,
    encryptionContext,
    aws: aws(),
  })
  await setSecrets(new Map([['DB_PASSWORD', SECRET]]), { secretsFile })
  const props: KmsFunctionProps = {
    entry: join(folder, 'src/handler.ts'),
    outdir: join(folder, 'dist'),
    kms: { secretsFile },
  }
  return { folder, props }
}

function synthesize(props: KmsFunctionProps, context: Record<string, unknown> = {}) {
  const stack = new Stack(new App({ context }), 'Orders')
  const built = new KmsFunction(stack, 'Handler', props)
  return { stack, built, template: () => Template.fromStack(stack) }
}

const only = (template: Template, type: string) =>
  Object.values(template.findResources(type))[0]!.Properties

it('grants the role exactly the runtime policy of the bundle', async () => {
  const { folder, props } = await functionOf()
  const { built, template } = synthesize(props)
  const { Statement } = only(template(), 'AWS::IAM::Policy').PolicyDocument
  expect(Statement).toEqual(await runtimePolicy({ bundles: [join(folder, 'dist')] }))
  expect(Statement[0].Resource).toBe(keyArn)
  expect(built.keyArns).toEqual([keyArn])
  const { Handler, Environment } = only(template(), 'AWS::Lambda::Function')
  expect([Handler, Environment]).toEqual(['handler.handler', undefined])
  for (const content of Object.values(await filesIn(join(folder, 'dist'))))
    expect(content).not.toContain(SECRET)
})

it('adds the statements to a key policy that the role needs', async () => {
  const { folder, props } = await functionOf()
  const { stack, built, template } = synthesize(props)
  built.addToKeyPolicy(new Key(stack, 'Key'))
  const { KeyPolicy } = only(template(), 'AWS::KMS::Key')
  const [added] = KeyPolicy.Statement.filter(({ Sid }: { Sid?: string }) => Sid === 'OpenSecrets')
  expect(added.Principal.AWS).toEqual({
    'Fn::GetAtt': [expect.stringMatching(/^HandlerServiceRole/), 'Arn'],
  })
  const { Statement } = only(template(), 'AWS::IAM::Policy').PolicyDocument

  const role = kms.createRole({ name: 'orders', policies: [document(...Statement)] }).arn
  const open = () => run(join(folder, 'call.mjs'), kms.envFor(kms.credentialsOf(role)))
  const call = `import { handler } from './dist/handler.mjs'\nprocess.stdout.write(await handler())`
  await writeFile(join(folder, 'call.mjs'), call)
  await expect(open()).rejects.toThrow('KMS_DENIED')
  const administrator = allow('kms:*', '*', principal(kms.admin.arn))
  const Policy = JSON.stringify(document(administrator, { ...added, Principal: { AWS: role } }))
  await new KMSClient(aws() as object).send(new PutKeyPolicyCommand({ KeyId: keyArn, Policy }))
  expect(await open()).toBe(SECRET)
})

it('rejects an environment variable with the name of a secret of the bundle', async () => {
  const { props } = await functionOf()
  const environment = { DB_PASSWORD: 'anything' }
  expect(() => synthesize({ ...props, environment })).toThrow(
    /an environment variable DB_PASSWORD, and its bundle a secret of that name.*\[OPTIONS_INVALID\]/,
  )
  const { built } = synthesize({ ...props, environment: { LOG_LEVEL: 'debug' } })
  expect(() => built.addEnvironment('DB_PASSWORD', 'anything')).toThrow('[OPTIONS_INVALID]')
  expect(() => built.addEnvironment('STAGE', 'test')).not.toThrow()
})

it('fails with the error of the build, and its place', async () => {
  const { props } = await functionOf(HANDLER.replace('DB_PASSWORD', 'DB_PASWORD'))
  expect(() => synthesize(props)).toThrow(
    /handler\.ts:2:\d+: .*Did you mean DB_PASSWORD\?.* \[NAME_UNKNOWN\]$/,
  )
})

it('builds nothing of a stack that CDK does not need', async () => {
  const { folder, props } = await functionOf('a syntax error')
  const { built, template } = synthesize(props, { 'aws:cdk:bundling-stacks': ['Another'] })
  expect(built.keyArns).toEqual([])
  expect(built.keyPolicyStatements()).toEqual([])
  template().resourceCountIs('AWS::IAM::Policy', 0)
  expect(await filesIn(join(folder, 'dist'))).toEqual({})
})

it('reads options with functions from a module', async () => {
  const { folder, props } = await functionOf(
    HANDLER.replace("named('DB_PASSWORD')", "from('own', 'db')"),
  )
  const sources = { own: () => SECRET }
  expect(() => synthesize({ ...props, kms: { sources } })).toThrow(
    /the option own of KmsFunction is a function.*\[OPTIONS_INVALID\]/,
  )
  const config = await project({
    'kms.config.mjs': `export default {
  secretsFile: ${JSON.stringify(join(folder, 'kms-secrets.json'))},
  sources: { own: () => ${JSON.stringify(SECRET)} },
}`,
  })
  const { built } = synthesize({ ...props, kms: join(config, 'kms.config.mjs') })
  expect(built.keyArns).toEqual([keyArn])
})

it('has the same asset for the same sources', async () => {
  const { props } = await functionOf()
  const assets = [synthesize(props), synthesize(props)].map(
    ({ template }) => only(template(), 'AWS::Lambda::Function').Code.S3Key,
  )
  expect(assets[0]).toBe(assets[1])
})

it('warns about other files in the folder of the bundle', async () => {
  const { folder, props } = await functionOf()
  await mkdir(join(folder, 'dist'))
  await writeFile(join(folder, 'dist/other.txt'), 'an earlier file')
  const { stack } = synthesize(props)
  const warnings = stack.node.findAll().flatMap(({ node }) => node.metadata)
  expect(JSON.stringify(warnings)).toContain('other.txt is not part of the bundle')
})

it('rejects a runtime that no function can be created with', async () => {
  const { props } = await functionOf()
  expect(() => synthesize({ ...props, runtime: Runtime.NODEJS_18_X })).toThrow(
    'the runtime nodejs18.x is not one of nodejs22.x, nodejs24.x. [OPTIONS_INVALID]',
  )
})
