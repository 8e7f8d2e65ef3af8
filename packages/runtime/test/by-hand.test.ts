import { EncryptCommand } from '@aws-sdk/client-kms'
import { partition } from '@aws-sdk/core/client'
import { inspect } from 'node:util'
import { describe, expect, it, vi } from 'vitest'
import { hostIn, hostOf } from '../src/host.js'
import { decrypt, decryptEnv, KmsSecretError } from '../src/index.js'
import { base64, CONTEXT, useKms } from './world.js'

const world = useKms()

describe('decrypt', () => {
  it('decrypts the output of aws kms encrypt, in base64 and as bytes', async () => {
    const [keyId, , blob] = await world.encrypt('{"a":1}')
    const options = { keyId, encryptionContext: CONTEXT }
    expect(await decrypt(blob, options)).toBe('{"a":1}')
    expect(await decrypt(Buffer.from(blob, 'base64'), { ...options, as: 'json' })).toEqual({ a: 1 })
    expect(await decrypt(blob, { ...options, as: 'bytes' })).toEqual(
      new TextEncoder().encode('{"a":1}'),
    )
  })

  it.each([
    'alias/orders',
    'arn:aws:kms:us-east-1.example.com/:111122223333:key/x',
    'arn:aws:kms:us-east-1:1:key/x',
  ])('rejects a keyId that is not a key ARN: %s', (keyId) => {
    expect(() => decrypt('AQIC', { keyId })).toThrow(TypeError)
  })
})

it('decrypt and decryptEnv return promises that show no value when printed', async () => {
  const [keyId, , blob] = await world.encrypt('hunter2')
  vi.stubEnv('DB_PASSWORD', blob)
  for (const lazy of [
    decrypt(blob, { keyId, encryptionContext: CONTEXT }),
    decryptEnv('DB_PASSWORD', { encryptionContext: CONTEXT }),
  ]) {
    const shown = inspect(lazy, { showHidden: true, depth: 20 })
    expect(await lazy).toBe('hunter2')
    expect(inspect(lazy, { showHidden: true, depth: 20 })).toBe(shown)
    expect(shown).not.toContain('hunter2')
    expect(() => `${lazy}`).toThrow(expect.objectContaining({ code: 'NOT_AWAITED' }))
  }
  vi.unstubAllEnvs()
})

it('decrypt starts before it is awaited', async () => {
  const [keyId, , blob] = await world.encrypt('hunter2')
  const lazy = decrypt(blob, { keyId, encryptionContext: CONTEXT })
  await expect.poll(() => world.decrypts).toHaveLength(1)
  expect(await lazy).toBe('hunter2')
  expect(world.decrypts).toHaveLength(1)
})

it.each([
  'us-east-1',
  'us-gov-west-1',
  'cn-north-1',
  'eusc-de-east-1',
  'us-iso-east-1',
  'us-isob-east-1',
  'eu-isoe-west-1',
  'us-isof-south-1',
])('calls the same host as the AWS SDK in %s', (region) => {
  const { name, dnsSuffix } = partition(region)
  const host = `kms.${region}.${dnsSuffix}`
  expect(hostIn(region)).toBe(host)
  expect(hostOf(`arn:${name}:kms:${region}:111122223333:key/x`)).toBe(host)
})

describe('decryptEnv', () => {
  it('decrypts what the Lambda console’s encryption helper stores', async () => {
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

  it('uses the given encryption context', async () => {
    const [, , blob] = await world.encrypt('hunter2')
    vi.stubEnv('DB_PASSWORD', blob)
    expect(await decryptEnv('DB_PASSWORD', { encryptionContext: CONTEXT })).toBe('hunter2')
    vi.unstubAllEnvs()
  })

  it('throws a TypeError if neither keyId nor AWS_REGION is set', () => {
    vi.stubEnv('AWS_REGION', '')
    expect(() => decryptEnv('DB_PASSWORD')).toThrow(/DB_PASSWORD.*keyId.*AWS_REGION/)
    vi.unstubAllEnvs()
  })

  it('reports a variable that is not set', async () => {
    await expect(decryptEnv('NOWHERE')).rejects.toMatchObject({
      code: 'ENV_UNSET',
      secret: 'NOWHERE',
    })
  })
})

it('KmsSecretError recognizes the errors of every copy of the shim', async () => {
  vi.resetModules()
  const { secret } = await import('../src/secret.js')
  const error = await secret('DB', undefined, async () => Promise.reject(0)).catch(
    (error: unknown) => error,
  )
  expect(error).toBeInstanceOf(KmsSecretError)
  expect(new Error('x')).not.toBeInstanceOf(KmsSecretError)
})
