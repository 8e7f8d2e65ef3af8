import { ml_kem1024, ml_kem512, ml_kem768 } from '@noble/post-quantum/ml-kem.js'
import * as crypto from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startLocalKms, type LocalKms } from '../../src/index.js'
import { encodeSeed } from '../../src/kms/ml-kem.js'
import { call, succeed } from '../call.js'

/** Each algorithm with the bytes of its public key (FIPS 203, table 3). */
const SPECS = [
  ['ML_KEM_512', ml_kem512, 800],
  ['ML_KEM_768', ml_kem768, 1184],
  ['ML_KEM_1024', ml_kem1024, 1568],
] as const

const EncryptionContext = { app: 'orders' }
const bytes = (base64: unknown): Buffer => Buffer.from(String(base64), 'base64')

let kms: LocalKms
let KeyId: string
beforeAll(async () => {
  kms = await startLocalKms()
  KeyId = (await kms.createKey()).keyId
})
afterAll(() => kms.close())

describe.each(SPECS)('a data key pair of spec %s', (KeyPairSpec, algorithm, publicKeyBytes) => {
  const generate = (more: object = {}) =>
    succeed(kms, 'GenerateDataKeyPair', { KeyId, KeyPairSpec, ...more })

  it('has a seed-only PKCS#8 and an SPKI that belong together', async () => {
    const pair = await generate()
    const pkcs8 = bytes(pair['PrivateKeyPlaintext'])
    const publicKey = bytes(pair['PublicKey']).subarray(-publicKeyBytes)
    expect(pkcs8).toHaveLength(86)
    expect(pkcs8).toEqual(encodeSeed(KeyPairSpec, pkcs8.subarray(-64)))
    const { secretKey } = algorithm.keygen(pkcs8.subarray(-64))
    const { cipherText, sharedSecret } = algorithm.encapsulate(publicKey)
    expect(algorithm.decapsulate(cipherText, secretKey)).toEqual(sharedSecret)
  })

  it('has no private key in the answer without plaintext, and Decrypt returns it', async () => {
    const request = { KeyId, KeyPairSpec, EncryptionContext }
    const pair = await succeed(kms, 'GenerateDataKeyPairWithoutPlaintext', request)
    expect(pair).not.toHaveProperty('PrivateKeyPlaintext')
    const CiphertextBlob = pair['PrivateKeyCiphertextBlob']
    const { Plaintext } = await succeed(kms, 'Decrypt', { CiphertextBlob, EncryptionContext })
    const seed = bytes(Plaintext).subarray(-64)
    expect(bytes(pair['PublicKey']).subarray(-publicKeyBytes)).toEqual(
      Buffer.from(algorithm.keygen(seed).publicKey),
    )
    const { type } = await call(kms, 'Decrypt', { CiphertextBlob })
    expect(type).toBe('InvalidCiphertextException')
  })

  it('is a new pair for each request', async () => {
    const [one, other] = [await generate(), await generate()]
    expect(one['PublicKey']).not.toBe(other['PublicKey'])
    expect(one['PrivateKeyPlaintext']).not.toBe(other['PrivateKeyPlaintext'])
  })

  it.skipIf(!('encapsulate' in crypto))(
    `is read by node:crypto${'encapsulate' in crypto ? '' : ' (this Node has no ML-KEM)'}`,
    async () => {
      const pair = await generate()
      const privateKey = crypto.createPrivateKey({
        key: bytes(pair['PrivateKeyPlaintext']),
        format: 'der',
        type: 'pkcs8',
      })
      expect(privateKey.asymmetricKeyType).toBe(KeyPairSpec.toLowerCase().replaceAll('_', '-'))
      const spki = crypto.createPublicKey(privateKey).export({ format: 'der', type: 'spki' })
      expect(spki).toEqual(bytes(pair['PublicKey']))
    },
  )

  it('needs kms:DataKeyPairSpec where a policy has that condition', async () => {
    const Condition = { StringEquals: { 'kms:DataKeyPairSpec': KeyPairSpec } }
    const statement = { Effect: 'Allow', Action: 'kms:GenerateDataKeyPair*', Resource: '*' }
    const policy = { Version: '2012-10-17', Statement: [{ ...statement, Condition }] }
    const name = `only-${KeyPairSpec}`
    const { credentials } = kms.createUser({ name, policies: [policy] })
    const ask = async (spec: string) =>
      (await call(kms, 'GenerateDataKeyPair', { KeyId, KeyPairSpec: spec }, { credentials })).type
    expect(await ask(KeyPairSpec)).toBeUndefined()
    expect(await ask('ECC_NIST_P256')).toBe('AccessDeniedException')
  })

  it('does not exist in regions of China', async () => {
    const region = 'cn-north-1'
    const { keyId } = await kms.createKey({ region })
    const request = { KeyId: keyId, KeyPairSpec }
    const { type, text } = await call(kms, 'GenerateDataKeyPair', request, { region })
    expect(type).toBe('UnsupportedOperationException')
    expect(text).toContain(`KeyPairSpec ${KeyPairSpec} is not supported in region cn-north-1.`)
  })

  it('needs a symmetric KMS key', async () => {
    const { keyId } = await kms.createKey({ spec: 'RSA_2048' })
    const { type } = await call(kms, 'GenerateDataKeyPair', { KeyId: keyId, KeyPairSpec })
    expect(type).toBe('InvalidKeyUsageException')
  })
})

it.each([
  ['ML_KEM_512', '01'],
  ['ML_KEM_768', '02'],
  ['ML_KEM_1024', '03'],
] as const)('encodes a seed of %s as RFC 9935 does', (spec, lastOfOid) => {
  const seed = Buffer.from(Array.from({ length: 64 }, (_, i) => i))
  const header = `3054020100300b06096086480165030404${lastOfOid}04428040`
  expect(encodeSeed(spec, seed).toString('hex')).toBe(header + seed.toString('hex'))
})
