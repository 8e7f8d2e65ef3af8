import { EncryptCommand, KMSClient } from '@aws-sdk/client-kms'
import { startLocalKms, type LocalKms } from '@unplugin-kms/local-kms'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { invokeLambda } from '../../fixtures/lambda-runtime/index.mjs'
import { functionEnv, scenario, type Scenario } from './scenario.js'

const PROD = { app: 'orders', stage: 'prod' }
let kms: LocalKms
let keyId: string
let project: Scenario
let bundle: string
let TOKEN: string
beforeAll(async () => {
  kms = await startLocalKms()
  keyId = (await kms.createKey({ alias: 'alias/app' })).arn
  const client = new KMSClient({
    endpoint: kms.url,
    region: kms.region,
    credentials: kms.admin.credentials,
  })
  const Plaintext = Buffer.from('token-of-the-environment')
  const { CiphertextBlob } = await client.send(
    new EncryptCommand({ KeyId: keyId, Plaintext, EncryptionContext: PROD }),
  )
  TOKEN = Buffer.from(CiphertextBlob!).toString('base64')
  project = await scenario('encryption-context')
  bundle = await project.build({ ...kms.env, STRIPE_KEY: 'stripe-key-of-the-bundle' })
})
afterAll(() => Promise.all([kms.close(), project.remove()]))

const decryptWhere = (Condition?: object) => ({
  Effect: 'Allow',
  Action: 'kms:Decrypt',
  Resource: keyId,
  ...(Condition && { Condition }),
})
const stageIs = (stage: string) =>
  decryptWhere({ StringEquals: { 'kms:EncryptionContext:stage': stage } })

async function invoke(event: object, env: Record<string, string>) {
  const { outcomes } = await invokeLambda({ bundle, events: [event], env })
  return outcomes[0]
}

describe('a role that may decrypt with one encryption context only', () => {
  it('decrypts a bundle of that context, which the journal shows as CloudTrail does', async () => {
    const { env } = functionEnv(kms, 'prod', stageIs('prod'))
    expect(await invoke({ which: 'bundle' }, env)).toEqual({ answer: 'stripe-key-of-the-bundle' })
    expect(kms.journal.at(-1)).toMatchObject({
      operation: 'Decrypt',
      outcome: 'Success',
      keyArn: keyId,
      encryptionContext: PROD,
      principal: 'arn:aws:sts::111122223333:assumed-role/prod/session',
    })
  })

  it('is denied for the same bundle with another context', async () => {
    const { env } = functionEnv(kms, 'test', stageIs('test'))
    const outcome = await invoke({ which: 'bundle' }, env)
    expect(outcome).toMatchObject({
      error: {
        errorType: 'KmsSecretError',
        errorMessage: expect.stringContaining('no identity-based policy allows'),
      },
    })
    expect(JSON.stringify(outcome)).toContain(JSON.stringify(JSON.stringify(PROD)).slice(1, -1))
    expect(kms.journal.at(-1)).toMatchObject({
      outcome: 'AccessDeniedException',
      encryptionContext: PROD,
    })
  })
})

describe('the same bundle', () => {
  it('decrypts values of the context that the function has', async () => {
    const { env } = functionEnv(kms, 'right', decryptWhere())
    const right = await invoke({ which: 'environment' }, { ...env, TOKEN, STAGE: 'prod' })
    expect(right).toEqual({ answer: 'token-of-the-environment' })
  })

  it('fails with the context and the reason if the function has another context', async () => {
    const { env } = functionEnv(kms, 'wrong', decryptWhere())
    const outcome = await invoke({ which: 'environment' }, { ...env, TOKEN, STAGE: 'test' })
    expect(outcome).toMatchObject({ error: { errorType: 'KmsSecretError' } })
    const { errorMessage } = (outcome as { error: { errorMessage: string } }).error
    expect(errorMessage).toMatch(/^TOKEN: .*InvalidCiphertextException.*\[KMS_FAILED]$/)
    expect(errorMessage).toContain('{"app":"orders","stage":"test"}')
    expect(kms.journal.at(-1)).toMatchObject({
      outcome: 'InvalidCiphertextException',
      encryptionContext: { app: 'orders', stage: 'test' },
    })
  })
})
