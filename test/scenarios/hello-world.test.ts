import { readFile } from 'node:fs/promises'
import { startLocalKms, type LocalKms } from '@unplugin-kms/local-kms'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { invokeLambda } from '../../fixtures/lambda-runtime/index.mjs'
import { functionEnv, scenario, type Scenario } from './scenario.js'

let kms: LocalKms
let keyId: string
let project: Scenario
beforeAll(async () => {
  kms = await startLocalKms()
  keyId = (await kms.createKey({ alias: 'alias/app' })).arn
  project = await scenario('hello-world')
})
afterAll(() => Promise.all([kms.close(), project.remove()]))

/** The event that the Lambda console offers for a first test. */
const EVENT = { key1: 'value1', key2: 'value2', key3: 'value3' }

it('the simplest function answers Lambda’s test event with its decrypted secret', async () => {
  const bundle = await project.build(kms.env)
  expect(await readFile(bundle, 'utf8')).not.toContain('Hello')
  const { env } = functionEnv(kms, 'hello', {
    Effect: 'Allow',
    Action: 'kms:Decrypt',
    Resource: keyId,
  })
  const { outcomes } = await invokeLambda({ bundle, events: [EVENT], env })
  expect(outcomes).toEqual([{ answer: { statusCode: 200, body: '"Hello from Lambda!"' } }])
})
