import { EncryptCommand } from '@aws-sdk/client-kms'
import { describe, expect, test, vi } from 'vitest'
import { decrypt, decryptEnv, KmsSecretError } from '../src/index.js'
import { base64, CONTEXT, useKms } from './world.js'

const world = useKms()

describe('decrypt', () => {
  test('opens what aws kms encrypt made, from base64 and from bytes', async () => {
    const [keyId, , blob] = await world.encrypt('{"a":1}')
    const options = { keyId, encryptionContext: CONTEXT }
    expect(await decrypt(blob, options)).toBe('{"a":1}')
    expect(await decrypt(Buffer.from(blob, 'base64'), { ...options, as: 'json' })).toEqual({ a: 1 })
    expect(await decrypt(blob, { ...options, as: 'bytes' })).toEqual(
      new TextEncoder().encode('{"a":1}'),
    )
  })

  test.each([
    'alias/orders',
    'arn:aws:kms:us-east-1.example.com/:111122223333:key/x',
    'arn:aws:kms:us-east-1:1:key/x',
  ])('takes key ARNs alone, since they say whom the credentials reach: %s', (keyId) => {
    expect(() => decrypt('AQIC', { keyId })).toThrow(TypeError)
  })
})

describe('decryptEnv', () => {
  test('opens what the Lambda console’s encryption helper leaves', async () => {
    const { arn } = await world.kms.createKey()
    const { CiphertextBlob } = await world.client().send(
      new EncryptCommand({
        KeyId: arn,
        Plaintext: Buffer.from('hunter2'),
        EncryptionContext: { LambdaFunctionName: 'orders' },
      }),
    )
    vi.stubEnv('AWS_LAMBDA_FUNCTION_NAME', 'orders')
    vi.stubEnv('DB_PASSWORD', base64(CiphertextBlob!))
    expect(await decryptEnv('DB_PASSWORD')).toBe('hunter2')
    expect(await decryptEnv('DB_PASSWORD', { keyId: arn })).toBe('hunter2')
    vi.unstubAllEnvs()
  })

  test('takes a context of one’s own instead', async () => {
    const [, , blob] = await world.encrypt('hunter2')
    vi.stubEnv('DB_PASSWORD', blob)
    expect(await decryptEnv('DB_PASSWORD', { encryptionContext: CONTEXT })).toBe('hunter2')
    vi.unstubAllEnvs()
  })

  test('of a variable that is not set says so', async () => {
    await expect(decryptEnv('NOWHERE')).rejects.toMatchObject({
      code: 'ENV_UNSET',
      secret: 'NOWHERE',
    })
  })
})

test('KmsSecretError knows the errors of every copy of the shim', async () => {
  vi.resetModules()
  const { secret } = await import('../src/secret.js')
  const error = await secret('DB', undefined, async () => Promise.reject(0)).catch(
    (error: unknown) => error,
  )
  expect(error).toBeInstanceOf(KmsSecretError)
  expect(new Error('x')).not.toBeInstanceOf(KmsSecretError)
})
