import {
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  sign,
  verify,
} from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startLocalKms, type LocalKms } from '../../src/index.js'
import { call, succeed } from '../call.js'

let kms: LocalKms
let bare: LocalKms
beforeAll(async () => {
  kms = await startLocalKms()
  bare = await startLocalKms({ pkcs8PublicKey: false })
  for (const server of [kms, bare]) await server.createKey({ alias: 'alias/app' })
})
afterAll(() => Promise.all([kms.close(), bare.close()]))

const KeyId = 'alias/app'
const EncryptionContext = { app: 'orders' }
const bytes = (text: unknown): Buffer => Buffer.from(text as string, 'base64')

async function openPair(server: LocalKms, KeyPairSpec: string) {
  const request = { KeyId, KeyPairSpec, EncryptionContext }
  const pair = await succeed(server, 'GenerateDataKeyPairWithoutPlaintext', request)
  const opened = await succeed(server, 'Decrypt', {
    CiphertextBlob: pair['PrivateKeyCiphertextBlob'],
    KeyId: pair['KeyId'],
    EncryptionContext,
  })
  return { pair, pkcs8: bytes(opened['Plaintext']), spki: bytes(pair['PublicKey']) }
}

describe('a data key pair', () => {
  test.each(['ECC_NIST_P256', 'ECC_NIST_P384', 'ECC_NIST_P521', 'ECC_SECG_P256K1', 'RSA_2048'])(
    '%s: Decrypt gives the PKCS#8 of the private key whose SPKI was answered',
    async (spec) => {
      const { pair, pkcs8, spki } = await openPair(kms, spec)
      expect(pair).toMatchObject({ KeyPairSpec: spec, KeyId: expect.stringContaining(':key/') })
      expect(pair).not.toHaveProperty('PrivateKeyPlaintext')
      const privateKey = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' })
      const publicKey = createPublicKey({ key: spki, format: 'der', type: 'spki' })
      const data = Buffer.from('data')
      expect(verify('sha256', data, publicKey, sign('sha256', data, privateKey))).toBe(true)
    },
  )

  test('of P-256 has a 91-byte SPKI with an uncompressed point', async () => {
    const { spki } = await openPair(kms, 'ECC_NIST_P256')
    expect(spki).toHaveLength(91)
    expect(spki[26]).toBe(0x04)
  })

  test('with plaintext answers the private key and its ciphertext alike', async () => {
    const pair = await succeed(kms, 'GenerateDataKeyPair', { KeyId, KeyPairSpec: 'ECC_NIST_P256' })
    const { Plaintext } = await succeed(kms, 'Decrypt', {
      CiphertextBlob: pair['PrivateKeyCiphertextBlob'],
    })
    expect(Plaintext).toBe(pair['PrivateKeyPlaintext'])
  })

  test('keeps its private key to those with the right context', async () => {
    const request = { KeyId, KeyPairSpec: 'ECC_NIST_P256', EncryptionContext }
    const pair = await succeed(kms, 'GenerateDataKeyPairWithoutPlaintext', request)
    const { type } = await call(kms, 'Decrypt', {
      CiphertextBlob: pair['PrivateKeyCiphertextBlob'],
    })
    expect(type).toBe('InvalidCiphertextException')
  })

  test.each(['ECC_NIST_P256', 'ECC_NIST_P384', 'ECC_NIST_P521'])(
    '%s comes without the optional public key on request, and agrees on the same secrets',
    async (spec) => {
      const whole = await openPair(kms, spec)
      const { pkcs8, spki } = await openPair(bare, spec)
      expect(pkcs8.length).toBeLessThan(whole.pkcs8.length - 32)
      expect(pkcs8.includes(spki.subarray(-32))).toBe(false)
      const privateKey = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' })
      const publicKey = createPublicKey({ key: spki, format: 'der', type: 'spki' })
      const curve = publicKey.asymmetricKeyDetails?.namedCurve as string
      const peer = generateKeyPairSync('ec', { namedCurve: curve })
      expect(diffieHellman({ privateKey, publicKey: peer.publicKey })).toEqual(
        diffieHellman({ privateKey: peer.privateKey, publicKey }),
      )
    },
  )

  test('of a spec that is not offered is UnsupportedOperationException', async () => {
    const { type } = await call(kms, 'GenerateDataKeyPair', { KeyId, KeyPairSpec: 'SM2' })
    expect(type).toBe('UnsupportedOperationException')
  })
})

describe('a data key', () => {
  test.each([
    [{ KeySpec: 'AES_256' }, 32],
    [{ KeySpec: 'AES_128' }, 16],
    [{ NumberOfBytes: 1024 }, 1024],
  ])('of %o has %i bytes, and Decrypt gives the same', async (size, length) => {
    const key = await succeed(kms, 'GenerateDataKey', { KeyId, EncryptionContext, ...size })
    expect(bytes(key['Plaintext'])).toHaveLength(length)
    const request = { CiphertextBlob: key['CiphertextBlob'], EncryptionContext }
    expect((await succeed(kms, 'Decrypt', request))['Plaintext']).toBe(key['Plaintext'])
  })

  test('without plaintext shows none', async () => {
    const request = { KeyId, KeySpec: 'AES_256' }
    const key = await succeed(kms, 'GenerateDataKeyWithoutPlaintext', request)
    expect(Object.keys(key).toSorted()).toEqual(['CiphertextBlob', 'KeyId', 'KeyMaterialId'])
  })

  test.each([[{}], [{ KeySpec: 'AES_256', NumberOfBytes: 32 }]])(
    'of size %o is refused',
    async (size) => {
      const { type, body } = await call(kms, 'GenerateDataKey', { KeyId, ...size })
      expect(`${type}: ${body['message']}`).toBe(
        'ValidationException: Please specify either number of bytes or key spec.',
      )
    },
  )
})
