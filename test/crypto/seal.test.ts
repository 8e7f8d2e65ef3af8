import { Aes256Gcm, CipherSuite, DhkemP256HkdfSha256, HkdfSha256 } from '@hpke/core'
import { ml_kem1024 } from '@noble/post-quantum/ml-kem.js'
import { generateKeyPairSync, webcrypto } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { fingerprintOf, type DataKeyPair } from '../../src/crypto/data-key-pair.js'
import { generatePair, importPrivateKey, openToken } from '../../src/crypto/private-key.js'
import { encapsulate, seal, sealToText } from '../../src/crypto/seal.js'
import { checkPublicKey, SUITES, suiteOf, type Suite } from '../../src/crypto/suites.js'
import { aad, decodeToken, encodeToken, INFO, type Token } from '../../src/crypto/token.js'
import { encapsulate as referenceEncapsulate } from '../../packages/runtime/test/ml-kem-sealer.mjs'

const suites = Object.keys(SUITES) as Suite[]

async function newPair(suite: Suite) {
  const { publicKey, privateKey } = await generatePair(suite)
  const pair: DataKeyPair = {
    fingerprint: fingerprintOf(publicKey),
    publicKey,
    wrapped: [],
    encryptionContext: {},
  }
  return { pair, privateKey }
}

describe.each(suites)('sealing to a pair of %s', (suite) => {
  it('opens with the imported private key, which has the same public key', async () => {
    for (let index = 0; index < 8; index++) {
      const { pair, privateKey } = await newPair(suite)
      expect(suiteOf(pair)).toBe(suite)
      expect(checkPublicKey(pair.publicKey)).toBe(suite)
      const imported = await importPrivateKey(privateKey, suite)
      expect(imported.publicKey).toEqual(pair.publicKey)
      const text = await sealToText(pair, 'named', Buffer.from('hunter2'), 'DB')
      const token = decodeToken(text) as Token
      expect(Buffer.from(await openToken(imported, token, 'DB')).toString()).toBe('hunter2')
      await expect(openToken(imported, token, 'db')).rejects.toThrow()
      const again = await importPrivateKey(imported.toPkcs8(), suite)
      expect(again.publicKey).toEqual(pair.publicKey)
    }
  })

  it('returns equal tokens for equal messages under a seed, and fresh ones without', async () => {
    const { pair } = await newPair(suite)
    const seed = Buffer.alloc(32, 1)
    const seals = (text: string, name: string, secret?: Buffer) =>
      sealToText(pair, 'named', Buffer.from(text), name, secret)
    const token = await seals('a', 'N', seed)
    expect(await seals('a', 'N', seed)).toBe(token)
    const others = [
      await seals('b', 'N', seed),
      await seals('a', 'M', seed),
      await seals('a', 'N', Buffer.alloc(32, 2)),
      await seals('a', 'N'),
      await seals('a', 'N'),
    ]
    const keys = [token, ...others].map((text) =>
      Buffer.from((decodeToken(text) as Token).encapsulatedKey).toString('hex'),
    )
    // Two messages with one encapsulated key would share their key and nonce.
    expect(new Set(keys).size).toBe(6)
  })

  it('numbers the messages of an encapsulation in the order of the calls', async () => {
    const { pair } = await newPair(suite)
    const sealMessage = await encapsulate(pair)
    const tokens = ['a', 'b', 'c'].map((text) => sealMessage('literal', Buffer.from(text), text))
    expect(tokens.map(({ sequence }) => sequence)).toEqual([0, 1, 2])
    const [first] = tokens
    for (const { encapsulatedKey } of tokens)
      expect(encapsulatedKey).toEqual(first!.encapsulatedKey)
    expect(tokens.map((token) => decodeToken(encodeToken(token)))).toMatchObject(
      tokens.map(({ kind, sequence }) => ({ kind, sequence })),
    )
    const next = (await encapsulate(pair))('literal', Buffer.from('a'), 'a')
    expect(next.encapsulatedKey).not.toEqual(first!.encapsulatedKey)
  })
})

it('seals to P-256 as the context of @hpke/core opens it, message after message', async () => {
  const { pair, privateKey } = await newPair('P-256')
  const sealMessage = await encapsulate(pair)
  const tokens = ['a', 'b', 'c'].map((text) => sealMessage('bytes', Buffer.from(text), text))
  const suite = new CipherSuite({
    kem: new DhkemP256HkdfSha256(),
    kdf: new HkdfSha256(),
    aead: new Aes256Gcm(),
  })
  const ecdh = { name: 'ECDH', namedCurve: 'P-256' }
  const recipient = await suite.createRecipientContext({
    recipientKey: await webcrypto.subtle.importKey('pkcs8', privateKey, ecdh, true, ['deriveBits']),
    enc: tokens[0]!.encapsulatedKey,
    info: INFO,
  })
  for (const [index, { ciphertext }] of tokens.entries()) {
    const name = 'abc'[index]!
    const opened = await recipient.open(ciphertext, aad('bytes', name, index))
    expect(Buffer.from(opened).toString()).toBe(name)
  }
})

it('derives ML-KEM public keys from seeds as @noble/post-quantum does', async () => {
  for (let index = 0; index < 20; index++) {
    const { pair, privateKey } = await newPair('ML-KEM-1024')
    const { publicKey } = ml_kem1024.keygen(privateKey.subarray(-64))
    expect(pair.publicKey.subarray(-1568)).toEqual(Buffer.from(publicKey))
  }
})

it('encapsulates to ML-KEM with the randomness of a seed, as FIPS 203 defines', async () => {
  const { pair, privateKey } = await newPair('ML-KEM-1024')
  const token = await seal(pair, 'literal', Buffer.from('a'), '', Buffer.alloc(32, 1))
  const { secretKey } = ml_kem1024.keygen(privateKey.subarray(-64))
  // Decapsulation encapsulates again and compares: only an intact key returns the secret.
  const shared = ml_kem1024.decapsulate(token.encapsulatedKey, secretKey)
  expect(shared).toHaveLength(32)
  const other = referenceEncapsulate(pair.publicKey)
  expect(ml_kem1024.decapsulate(other.enc, secretKey)).toEqual(other.sharedSecret)
})

it('rejects public keys that are on no curve, not reduced or of another algorithm', async () => {
  const { pair } = await newPair('ML-KEM-1024')
  const large = Buffer.from(pair.publicKey)
  large.fill(255, 22, 25)
  expect(checkPublicKey(large)).toBeUndefined()
  expect(checkPublicKey(pair.publicKey.subarray(0, -1))).toBeUndefined()
  expect(checkPublicKey(Buffer.concat([pair.publicKey, Buffer.alloc(1)]))).toBeUndefined()
  const point = Buffer.from((await newPair('P-256')).pair.publicKey)
  point[40]! ^= 1
  expect(checkPublicKey(point)).toBeUndefined()
})

it('rejects a private key with the public key of another pair', async () => {
  const [one, other] = [await generatePair('P-256'), await generatePair('P-256')]
  const forged = Buffer.concat([one.privateKey.subarray(0, -65), other.publicKey.subarray(-65)])
  await expect(importPrivateKey(forged, 'P-256')).rejects.toThrow('not the public key')
})

it.each(['secp256k1', 'P-384'])('rejects a private key of the curve %s', async (namedCurve) => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve })
  const pkcs8 = privateKey.export({ format: 'der', type: 'pkcs8' })
  await expect(importPrivateKey(pkcs8, 'P-256')).rejects.toThrow('not a private key of P-256')
})

it('rejects private keys of another suite or form', async () => {
  const [p256, mlKem] = [await generatePair('P-256'), await generatePair('ML-KEM-1024')]
  await expect(importPrivateKey(p256.privateKey, 'ML-KEM-1024')).rejects.toThrow(TypeError)
  await expect(importPrivateKey(mlKem.privateKey, 'P-256')).rejects.toThrow()
  const truncated = mlKem.privateKey.subarray(0, -1)
  await expect(importPrivateKey(truncated, 'ML-KEM-1024')).rejects.toThrow(TypeError)
})
