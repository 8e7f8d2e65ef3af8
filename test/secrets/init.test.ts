import { afterAll, beforeAll, expect, it } from 'vitest'
import { startLocalKms, type LocalKms } from '../../packages/local-kms/src/index.js'
import { createDataKeyPair } from '../../src/aws/create-data-key-pair.js'
import { kmsCalls, type KmsCalls } from '../../src/aws/kms.js'

let kms: LocalKms
beforeAll(async () => void (kms = await startLocalKms()))
afterAll(() => kms.close())

/** The calls of KMS, which remember what was given to Encrypt: the bytes themselves. */
function remembering() {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = kms.env
  const calls = kmsCalls({
    endpoint: kms.url,
    region: kms.region,
    credentials: { accessKeyId: accessKeyId!, secretAccessKey: secretAccessKey! },
  })
  const given: { bytes: Uint8Array; was: Buffer }[] = []
  const encrypt: KmsCalls['encrypt'] = (keyId, plaintext, context) => {
    given.push({ bytes: plaintext, was: Buffer.from(plaintext) })
    return calls.encrypt(keyId, plaintext, context)
  }
  return { calls: { ...calls, encrypt }, given }
}

it('zeroes a private key that was created locally, after all KMS keys wrapped it', async () => {
  const [one, two] = [await kms.createKey(), await kms.createKey({ region: 'eu-west-1' })]
  const { calls, given } = remembering()
  const { wrapped } = await createDataKeyPair(calls, [one.arn, two.arn], {})
  expect(wrapped.map(({ keyId }) => keyId)).toEqual([one.arn, two.arn])
  expect(given.map(({ was }) => was.length > 100 && was.some((byte) => byte))).toEqual([true, true])
  expect(given.every(({ bytes }) => bytes.every((byte) => byte === 0))).toBe(true)
})

it('zeroes a private key that was created locally, if a KMS key refuses', async () => {
  const { arn } = await kms.createKey()
  const { calls, given } = remembering()
  const missing = arn.replace(/key\/.*/, 'key/11111111-2222-3333-4444-555555555555')
  await expect(createDataKeyPair(calls, [arn, missing], {})).rejects.toThrow('NotFoundException')
  expect(given.every(({ bytes }) => bytes.every((byte) => byte === 0))).toBe(true)
})
