import {
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  sign,
  verify,
} from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
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
  it.each(['ECC_NIST_P256', 'ECC_NIST_P384', 'ECC_NIST_P521', 'ECC_SECG_P256K1', 'RSA_2048'])(
    'of %s: Decrypt returns the PKCS#8 that belongs to the SPKI',
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

  it('has a 91-byte SPKI with an uncompressed point for P-256', async () => {
    const { spki } = await openPair(kms, 'ECC_NIST_P256')
    expect(spki).toHaveLength(91)
    expect(spki[26]).toBe(0x04)
  })

  it('contains the same private key in plaintext and ciphertext', async () => {
    const pair = await succeed(kms, 'GenerateDataKeyPair', { KeyId, KeyPairSpec: 'ECC_NIST_P256' })
    const { Plaintext } = await succeed(kms, 'Decrypt', {
      CiphertextBlob: pair['PrivateKeyCiphertextBlob'],
    })
    expect(Plaintext).toBe(pair['PrivateKeyPlaintext'])
  })

  it('needs the encryption context to decrypt the private key', async () => {
    const request = { KeyId, KeyPairSpec: 'ECC_NIST_P256', EncryptionContext }
    const pair = await succeed(kms, 'GenerateDataKeyPairWithoutPlaintext', request)
    const { type } = await call(kms, 'Decrypt', {
      CiphertextBlob: pair['PrivateKeyCiphertextBlob'],
    })
    expect(type).toBe('InvalidCiphertextException')
  })

  it.each(['ECC_NIST_P256', 'ECC_NIST_P384', 'ECC_NIST_P521'])(
    'of %s has no public key in the PKCS#8 on request, and derives the same secrets',
    async (spec) => {
      const complete = await openPair(kms, spec)
      const { pkcs8, spki } = await openPair(bare, spec)
      expect(pkcs8.length).toBeLessThan(complete.pkcs8.length - 32)
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

  it('fails with UnsupportedOperationException for an unsupported spec', async () => {
    const { type } = await call(kms, 'GenerateDataKeyPair', { KeyId, KeyPairSpec: 'SM2' })
    expect(type).toBe('UnsupportedOperationException')
  })
})

describe('a data key', () => {
  it.each([
    [{ KeySpec: 'AES_256' }, 32],
    [{ KeySpec: 'AES_128' }, 16],
    [{ NumberOfBytes: 1024 }, 1024],
  ])('of %o has %i bytes, and Decrypt returns it', async (size, length) => {
    const key = await succeed(kms, 'GenerateDataKey', { KeyId, EncryptionContext, ...size })
    expect(bytes(key['Plaintext'])).toHaveLength(length)
    const request = { CiphertextBlob: key['CiphertextBlob'], EncryptionContext }
    expect((await succeed(kms, 'Decrypt', request))['Plaintext']).toBe(key['Plaintext'])
  })

  it('has no plaintext in the answer without plaintext', async () => {
    const request = { KeyId, KeySpec: 'AES_256' }
    const key = await succeed(kms, 'GenerateDataKeyWithoutPlaintext', request)
    expect(Object.keys(key).toSorted()).toEqual(['CiphertextBlob', 'KeyId', 'KeyMaterialId'])
  })

  it.each([[{}], [{ KeySpec: 'AES_256', NumberOfBytes: 32 }]])(
    'is not generated for %o',
    async (size) => {
      const { type, body } = await call(kms, 'GenerateDataKey', { KeyId, ...size })
      expect(`${type}: ${body['message']}`).toBe(
        'ValidationException: Please specify either number of bytes or key spec.',
      )
    },
  )
})
