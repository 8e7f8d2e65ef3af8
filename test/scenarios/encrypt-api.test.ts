import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { DecryptCommand, KMSClient } from '@aws-sdk/client-kms'
import { startLocalKms, type LocalKms } from '@unplugin-kms/local-kms'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { invokeLambda } from '../../fixtures/lambda-runtime/index.mjs'
import { createDataKeyPair } from '../../src/aws/create-data-key-pair.js'
import { kmsCalls } from '../../src/aws/kms.js'
import { decodeToken, type Token } from '../../src/crypto/token.js'
import { readSecretsFile } from '../../src/secrets-file/parse.js'
import { newSecretsFile, writeSecretsFile } from '../../src/secrets-file/serialize.js'
import { functionEnv, scenario, type Scenario } from './scenario.js'

const VALUE = 'what a partner posted: {"key": "5f1d"}'
let kms: LocalKms
let keyId: string
let project: Scenario
let secretsFile: string
let api: string
beforeAll(async () => {
  kms = await startLocalKms()
  keyId = (await kms.createKey()).arn
  project = await scenario('encrypt-api')
  secretsFile = join(project.root, 'kms-secrets.json')
  const aws = { endpoint: kms.url, region: kms.region, credentials: kms.admin.credentials }
  const pair = await createDataKeyPair(kmsCalls(aws), [keyId], { app: 'partners' })
  await writeSecretsFile(newSecretsFile(secretsFile, pair))
  api = await project.build({}, 'dist/api.mjs')
})
afterAll(() => Promise.all([kms.close(), project.remove()]))

/** API Gateway's event for an HTTP API (payload format 2.0), as AWS documents it. */
const post = (path: string, body: object) => ({
  version: '2.0',
  routeKey: `POST ${path}`,
  rawPath: path,
  rawQueryString: '',
  headers: { 'content-type': 'application/json' },
  requestContext: {
    accountId: '111122223333',
    apiId: 'api-id',
    http: { method: 'POST', path, protocol: 'HTTP/1.1', sourceIp: '192.0.2.1', userAgent: 'agent' },
    stage: '$default',
  },
  body: Buffer.from(JSON.stringify(body)).toString('base64'),
  isBase64Encoded: true,
})

/** What the API answers to an event, and all that it logs. */
async function answerTo(event: object, env: Record<string, string>) {
  const { outcomes, output } = await invokeLambda({ bundle: api, events: [event], env })
  const { answer } = outcomes[0] as { answer: { statusCode: number; body: string } }
  return { ...answer, body: JSON.parse(answer.body) as Record<string, string>, output }
}

async function call(path: string, env: Record<string, string>) {
  return answerTo(post(path, { name: 'PARTNER_KEY', value: VALUE }), env)
}

const allow = (Action: string) => ({ Effect: 'Allow', Action, Resource: keyId })

it('an API without permissions seals a string that a function decrypts', async () => {
  const { env } = functionEnv(kms, 'api-without-permission')
  const before = kms.journal.length
  const { statusCode, body } = await call('/seal', env)
  expect(statusCode).toBe(200)
  expect(body.token).toMatch(/^kms:v1:/)
  expect(kms.journal.slice(before)).toEqual([])

  const file = (await readSecretsFile(secretsFile))!
  file.secrets.set('PARTNER_KEY', decodeToken(body.token!) as Token)
  await writeSecretsFile(file)
  const bundle = await project.build({}, 'dist/partner.mjs', 'build:partner')
  const partner = functionEnv(kms, 'partner', allow('kms:Decrypt'))
  const { outcomes } = await invokeLambda({ bundle, events: [{}], env: partner.env })
  expect(outcomes).toEqual([
    { answer: { digest: createHash('sha256').update(VALUE).digest('hex') } },
  ])
})

it('an API encrypts a string with kms:Encrypt if both policies allow it', async () => {
  const { env } = functionEnv(kms, 'api', allow('kms:Encrypt'))
  const { statusCode, body } = await call('/encrypt', { ...env, KEY_ID: keyId })
  expect(statusCode).toBe(200)
  const { credentials } = kms.admin
  const client = new KMSClient({ endpoint: kms.url, region: kms.region, credentials })
  const { Plaintext } = await client.send(
    new DecryptCommand({
      CiphertextBlob: Buffer.from(body.ciphertextBlob!, 'base64'),
      EncryptionContext: { name: 'PARTNER_KEY' },
    }),
  )
  expect(Buffer.from(Plaintext!).toString()).toBe(VALUE)
})

it('the error reports a key policy that does not allow the role', async () => {
  const { arn: forgetful } = await kms.createKey({
    policy: {
      Version: '2012-10-17',
      Statement: [
        { Effect: 'Allow', Principal: { AWS: kms.admin.arn }, Action: 'kms:*', Resource: '*' },
      ],
    },
  })
  const all = { Effect: 'Allow', Action: 'kms:*', Resource: '*' }
  const { env } = functionEnv(kms, 'forgotten', all)
  const { statusCode, body, output } = await call('/encrypt', { ...env, KEY_ID: forgetful })
  expect([statusCode, body]).toEqual([502, { error: 'not encrypted' }])
  expect(output).toContain(`KMS denies kms:Encrypt on ${forgetful}`)
  expect(output).toContain('assumed-role/forgotten/session')
  expect(output).toContain('The key policy does not allow this identity')
  expect(output).not.toContain('no policy of this identity')
  expect(output).not.toContain(VALUE)
})

it('the error reports a role whose policies do not allow the call', async () => {
  const { env } = functionEnv(kms, 'without-policy')
  const { output } = await call('/encrypt', { ...env, KEY_ID: keyId })
  expect(output).toContain('and no policy of this identity allows it')
  expect(output).not.toContain('The key policy does not allow')
})

it.each<[string, object]>([
  ['nothing', { body: undefined }],
  ['null', { body: 'null', isBase64Encoded: false }],
  ['no JSON', { body: VALUE, isBase64Encoded: false }],
  ['a number as the value', { body: '{"name":"A","value":7}', isBase64Encoded: false }],
])('a post of %s is answered with 400, and nothing of it is logged', async (_, change) => {
  const event = { ...post('/seal', {}), ...change }
  const { statusCode, output } = await answerTo(event, {})
  expect(statusCode).toBe(400)
  expect(output).not.toContain(VALUE.slice(0, 8))
})
