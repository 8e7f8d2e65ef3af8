import { DisableKeyCommand, KMSClient } from '@aws-sdk/client-kms'
import { startLocalKms, type LocalKms } from '@unplugin-kms/local-kms'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { invokeLambda } from '../../fixtures/lambda-runtime/index.mjs'
import { functionEnv, scenario, type Scenario } from './scenario.js'

const STRIPE_KEY = 'stripe-key-of-two-regions'
const OTHER_ACCOUNT = '444455556666'
let kms: LocalKms
let near: string
let far: string
let project: Scenario
let bundle: string
let env: Record<string, string>
beforeAll(async () => {
  kms = await startLocalKms()
  near = (await kms.createKey({ region: 'eu-west-1' })).arn
  const policy = keyPolicy(OTHER_ACCOUNT, kms.accountId)
  far = (await kms.createKey({ region: 'us-east-1', accountId: OTHER_ACCOUNT, policy })).arn
  project = await scenario('two-regions')
  bundle = await project.build({ ...kms.env, STRIPE_KEY, KEY_ARNS: [far, near].join() })
  const role = functionEnv(kms, 'orders', {
    Effect: 'Allow',
    Action: 'kms:Decrypt',
    Resource: [near, far],
  })
  env = { ...role.env, AWS_REGION: 'eu-west-1' }
})
afterAll(() => Promise.all([kms.close(), project.remove()]))

/** Lets the IAM policies of these accounts decide. */
const keyPolicy = (...accounts: string[]) => ({
  Version: '2012-10-17',
  Statement: [
    {
      Effect: 'Allow',
      Principal: { AWS: accounts.map((account) => `arn:aws:iam::${account}:root`) },
      Action: 'kms:*',
      Resource: '*',
    },
  ],
})

/** Invokes the function, and returns its answer with the calls that it made. */
async function invoke() {
  const before = kms.journal.length
  const { outcomes } = await invokeLambda({ bundle, events: [{}], env })
  const calls = kms.journal.slice(before)
  return [outcomes[0], ...calls.map(({ region, outcome }) => `${region} ${outcome}`)]
}

const OPENED = { answer: { length: STRIPE_KEY.length } }

it('a function decrypts with its own region’s key only, if that key works', async () => {
  expect(await invoke()).toEqual([OPENED, 'eu-west-1 Success'])
})

it('a function decrypts with another region’s key if its own key fails', async () => {
  const { credentials } = kms.admin
  const client = new KMSClient({ endpoint: kms.url, region: 'eu-west-1', credentials })
  await client.send(new DisableKeyCommand({ KeyId: near }))
  const [outcome, ...calls] = await invoke()
  expect(outcome).toEqual(OPENED)
  expect(calls[0]).toBe('eu-west-1 DisabledException')
  expect(calls.at(-1)).toBe('us-east-1 Success')
  expect(kms.journal.at(-1)?.keyArn).toContain(`:${OTHER_ACCOUNT}:`)
})
