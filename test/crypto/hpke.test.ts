import { Aes256Gcm, CipherSuite, DhkemP256HkdfSha256, HkdfSha256 } from '@hpke/core'
import fc from 'fast-check'
import { createECDH, randomBytes, webcrypto, type ECDH } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import {
  decapsulate,
  deriveKeyPair,
  encapsulate,
  isScalar,
  keyPairOf,
} from '../../src/crypto/dhkem.js'
import { keySchedule, open, SenderContext, type HpkeSuite } from '../../src/crypto/hpke.js'
import { SUITES } from '../../src/crypto/suites.js'

const hex = (text: string) => Buffer.from(text, 'hex')
const suite = SUITES['P-256'].hpke

// RFC 9180, A.3.1: DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, AES-128-GCM in base mode. The RFC prints no
// vector for AES-256-GCM with this KEM.
const AES_128: HpkeSuite = { ...suite, aead: 0x0001, cipher: 'aes-128-gcm', keyBytes: 16 }
const VECTOR = {
  info: hex('4f6465206f6e2061204772656369616e2055726e'),
  ikmE: hex('4270e54ffd08d79d5928020af4686d8f6b7d35dbe470265f1f5aa22816ce860e'),
  skEm: '4995788ef4b9d6132b249ce59a77281493eb39af373d236a1fe415cb0c2d7beb',
  enc: '04a92719c6195d5085104f469a8b9814d5838ff72b60501e2c4466e5e67b325ac98536d7b61a1af4b78e5b7f951c0900be863c403ce65c9bfcb9382657222d18c4',
  ikmR: hex('668b37171f1072f3cf12ea8a236a45df23fc13b82af3609ad1e354f6ef817550'),
  skRm: 'f3ce7fdae57e1a310d87f1ebbde6f328be0a99cdbcadf4d6589cf29de4b8ffd2',
  pkRm: '04fe8c19ce0905191ebc298a9245792531f26f0cece2460639e8bc39cb7f706a826a779b4cf969b8a0e539c7f62fb3d30ad6aa8f80e30f1d128aafd68a2ce72ea0',
  sharedSecret: 'c0d26aeab536609a572b07695d933b589dcf363ff9d93c93adea537aeabb8cb8',
  key: '868c066ef58aae6dc589b6cfdd18f97e',
  baseNonce: '4e0bc5018beba4bf004cca59',
  plaintext: hex('4265617574792069732074727574682c20747275746820626561757479'),
  messages: [
    [
      'Count-0',
      '5ad590bb8baa577f8619db35a36311226a896e7342a6d836d8b7bcd2f20b6c7f9076ac232e3ab2523f39513434',
    ],
    [
      'Count-1',
      'fa6f037b47fc21826b610172ca9637e82d6e5801eb31cbd3748271affd4ecb06646e0329cbdf3c3cd655b28e82',
    ],
  ],
} as const

describe('the vectors of RFC 9180, A.3.1', () => {
  it('have the key pairs that DeriveKeyPair returns', () => {
    const recipient = deriveKeyPair(VECTOR.ikmR)
    expect(recipient.getPrivateKey('hex')).toBe(VECTOR.skRm)
    expect(recipient.getPublicKey('hex')).toBe(VECTOR.pkRm)
    expect(deriveKeyPair(VECTOR.ikmE).getPrivateKey('hex')).toBe(VECTOR.skEm)
  })

  it('have the shared secret that Encap and Decap return', () => {
    const { encapsulatedKey, sharedSecret } = encapsulate(
      hex(VECTOR.pkRm),
      deriveKeyPair(VECTOR.ikmE),
    )
    expect(Buffer.from(encapsulatedKey).toString('hex')).toBe(VECTOR.enc)
    expect(Buffer.from(sharedSecret).toString('hex')).toBe(VECTOR.sharedSecret)
    const recipient = keyPairOf(hex(VECTOR.skRm))
    expect(decapsulate(recipient, hex(VECTOR.enc)).toString('hex')).toBe(VECTOR.sharedSecret)
  })

  it('have the key schedule and the ciphertexts of the context', () => {
    const schedule = keySchedule(AES_128, hex(VECTOR.sharedSecret), VECTOR.info)
    expect(schedule.key.toString('hex')).toBe(VECTOR.key)
    expect(schedule.baseNonce.toString('hex')).toBe(VECTOR.baseNonce)
    const sender = new SenderContext(schedule)
    for (const [sequence, [aad, ciphertext]] of VECTOR.messages.entries()) {
      expect(sender.seal(VECTOR.plaintext, Buffer.from(aad)).toString('hex')).toBe(ciphertext)
      const opened = open(schedule, hex(ciphertext), Buffer.from(aad), sequence)
      expect(opened).toEqual(VECTOR.plaintext)
    }
  })
})

const reference = new CipherSuite({
  kem: new DhkemP256HkdfSha256(),
  kdf: new HkdfSha256(),
  aead: new Aes256Gcm(),
})
const exact = (bytes: Uint8Array) => new Uint8Array(bytes)

async function cryptoKeyOf(pair: ECDH) {
  const [x, y] = [pair.getPublicKey().subarray(1, 33), pair.getPublicKey().subarray(33)]
  const d = hex(pair.getPrivateKey('hex').padStart(64, '0'))
  const encoded = { x, y, d }
  const jwk = Object.fromEntries(
    Object.entries(encoded).map(([name, bytes]) => [name, bytes.toString('base64url')]),
  )
  return webcrypto.subtle.importKey(
    'jwk',
    { kty: 'EC', crv: 'P-256', ...jwk },
    { name: 'ECDH', namedCurve: 'P-256' },
    true,
    ['deriveBits'],
  )
}

function newPair(): ECDH {
  const pair = createECDH('prime256v1')
  pair.generateKeys()
  return pair
}

const bytes = fc.uint8Array({ maxLength: 200 })
const messages = fc.array(fc.record({ aad: bytes, plaintext: bytes }), {
  minLength: 1,
  maxLength: 5,
})

describe('messages to P-256', () => {
  it('are opened by @hpke/core, for any info, aad and plaintexts', async () => {
    await fc.assert(
      fc.asyncProperty(bytes, messages, async (info, all) => {
        const pair = newPair()
        const { encapsulatedKey, sharedSecret } = encapsulate(pair.getPublicKey())
        const sender = new SenderContext(keySchedule(suite, sharedSecret, info))
        const recipient = await reference.createRecipientContext({
          recipientKey: await cryptoKeyOf(pair),
          enc: exact(encapsulatedKey),
          info,
        })
        for (const { aad, plaintext } of all) {
          const opened = await recipient.open(exact(sender.seal(plaintext, aad)), aad)
          expect(new Uint8Array(opened)).toEqual(plaintext)
        }
      }),
    )
  })

  it('of @hpke/core are opened, for any info, aad and plaintexts', async () => {
    await fc.assert(
      fc.asyncProperty(bytes, messages, async (info, all) => {
        const pair = newPair()
        const recipientPublicKey = await reference.kem.deserializePublicKey(
          exact(pair.getPublicKey()),
        )
        const sender = await reference.createSenderContext({ recipientPublicKey, info })
        const sharedSecret = decapsulate(pair, new Uint8Array(sender.enc))
        const schedule = keySchedule(suite, sharedSecret, info)
        for (const [sequence, { aad, plaintext }] of all.entries()) {
          const ciphertext = new Uint8Array(await sender.seal(plaintext, aad))
          expect(exact(open(schedule, ciphertext, aad, sequence))).toEqual(plaintext)
        }
      }),
    )
  })

  it('have the key pairs that @hpke/core derives, for any randomness', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 32, maxLength: 64 }), async (ikm) => {
        const { publicKey } = await reference.kem.deriveKeyPair(exact(ikm).buffer)
        const expected = Buffer.from(await reference.kem.serializePublicKey(publicKey))
        expect(deriveKeyPair(ikm).getPublicKey()).toEqual(expected)
      }),
    )
  })

  it('are opened by @hpke/core beyond the sequence number 255', async () => {
    const pair = newPair()
    const { encapsulatedKey, sharedSecret } = encapsulate(pair.getPublicKey())
    const sender = new SenderContext(keySchedule(suite, sharedSecret, Buffer.of()))
    const recipient = await reference.createRecipientContext({
      recipientKey: await cryptoKeyOf(pair),
      enc: exact(encapsulatedKey),
    })
    for (let sequence = 0; sequence < 300; sequence++) {
      expect(sender.sequence).toBe(sequence)
      const sealed = sender.seal(Buffer.of(sequence & 255), Buffer.of())
      expect(new Uint8Array(await recipient.open(exact(sealed)))[0]).toBe(sequence & 255)
    }
  })

  it('do not open with any other bit of the ciphertext, the aad or the info', () => {
    const pair = newPair()
    const { encapsulatedKey, sharedSecret } = encapsulate(pair.getPublicKey())
    const [info, aad] = [Buffer.from('info'), Buffer.from('aad')]
    const sealed = new SenderContext(keySchedule(suite, sharedSecret, info)).seal(
      Buffer.from('plaintext'),
      aad,
    )
    const opens = (parts: Buffer[]) => {
      const [ciphertext, ofAad, ofInfo] = parts as [Buffer, Buffer, Buffer]
      const secret = decapsulate(pair, encapsulatedKey)
      return open(keySchedule(suite, secret, ofInfo), ciphertext, ofAad).toString()
    }
    const parts = [sealed, aad, info]
    expect(opens(parts)).toBe('plaintext')
    for (const [at, part] of parts.entries()) {
      for (let bit = 0; bit < part.length * 8; bit++) {
        const altered = Buffer.from(part)
        altered[bit >> 3]! ^= 1 << (bit & 7)
        expect(() => opens(parts.with(at, altered)), `part ${at}, bit ${bit}`).toThrow()
      }
      expect(() => opens(parts.with(at, part.subarray(1)))).toThrow()
    }
    for (let length = 0; length < sealed.length; length++)
      expect(() => opens([sealed.subarray(0, length), aad, info]), `${length}`).toThrow()
  })
})

it('opens no tag that is shorter than 16 bytes', () => {
  const schedule = keySchedule(suite, randomBytes(32), Buffer.of())
  const tag = new SenderContext(schedule).seal(Buffer.of(), Buffer.of())
  expect(open(schedule, tag, Buffer.of())).toHaveLength(0)
  for (let length = 0; length < 16; length++)
    expect(() => open(schedule, tag.subarray(0, length), Buffer.of()), `${length}`).toThrow()
})

describe('the nonces of a context', () => {
  const newSchedule = () =>
    keySchedule(suite, encapsulate(newPair().getPublicKey()).sharedSecret, Buffer.of())

  /** Returns the key stream of a message: two messages with one nonce have the same. */
  const keyStream = (plaintext: Uint8Array, sealed: Buffer) =>
    Buffer.from(sealed.subarray(0, 16).map((byte, at) => byte ^ plaintext[at]!)).toString('hex')

  it('are never used twice, also after calls that failed', () => {
    const calls = fc.array(
      fc.record({
        plaintext: fc.uint8Array({ minLength: 16, maxLength: 40 }),
        fails: fc.boolean(),
      }),
      { minLength: 2, maxLength: 20 },
    )
    fc.assert(
      fc.property(calls, (all) => {
        const sender = new SenderContext(newSchedule())
        const streams: string[] = []
        for (const { plaintext, fails } of all) {
          if (fails) expect(() => sender.seal('no bytes' as never, null as never)).toThrow()
          streams.push(keyStream(plaintext, sender.seal(plaintext, Buffer.of())))
        }
        expect(new Set(streams).size).toBe(all.length)
      }),
    )
  })

  it('are limited to the sequence numbers of four bytes', () => {
    const schedule = newSchedule()
    const sender = new SenderContext(schedule, 0xffffffff)
    const last = sender.seal(Buffer.from('last'), Buffer.of())
    expect(open(schedule, last, Buffer.of(), 0xffffffff).toString()).toBe('last')
    expect(() => sender.seal(Buffer.from('one more'), Buffer.of())).toThrow(RangeError)
    expect(() => sender.seal(Buffer.from('one more'), Buffer.of())).toThrow(RangeError)
  })
})

describe('a public key', () => {
  const off = newPair().getPublicKey()
  off[40]! ^= 1
  const secp256k1 = createECDH('secp256k1')
  secp256k1.generateKeys()
  const pair = newPair()

  it.each<[string, Buffer]>([
    ['empty', Buffer.of()],
    ['the identity', Buffer.of(0)],
    ['the identity, padded', Buffer.alloc(65)],
    ['a point of zeros', Buffer.concat([Buffer.of(4), Buffer.alloc(64)])],
    ['a point that is not on the curve', off],
    ['a point of another curve', secp256k1.getPublicKey()],
    ['coordinates beyond the field', Buffer.concat([Buffer.of(4), Buffer.alloc(64, 255)])],
    ['a compressed point', pair.getPublicKey(null, 'compressed')],
    ['a hybrid point', pair.getPublicKey(null, 'hybrid')],
    ['too short', pair.getPublicKey().subarray(0, -1)],
    ['too long', Buffer.concat([pair.getPublicKey(), Buffer.of(0)])],
  ])('is rejected if it is %s', (_, point) => {
    expect(() => encapsulate(point)).toThrow()
    expect(() => decapsulate(pair, point)).toThrow()
  })
})

it('accepts as private keys the numbers from 1 to the order of the curve minus 1', () => {
  const order = 'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551'
  const number = (value: bigint) => hex(value.toString(16).padStart(64, '0'))
  const n = BigInt(`0x${order}`)
  expect([0n, n, n + 1n, 2n ** 256n - 1n].map((value) => isScalar(number(value)))).toEqual([
    false,
    false,
    false,
    false,
  ])
  for (const value of [1n, n - 1n]) {
    expect(isScalar(number(value))).toBe(true)
    expect(keyPairOf(number(value)).getPublicKey()).toHaveLength(65)
  }
})
