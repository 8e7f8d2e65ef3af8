import { DhkemP256HkdfSha256, HkdfSha256, Aes256Gcm, CipherSuite } from '@hpke/core'
import fc from 'fast-check'
import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { fingerprintOf } from '../../src/crypto/data-key-pair.js'
import { sealToText } from '../../src/crypto/seal.js'
import {
  aad,
  decodeToken,
  encodeToken,
  KINDS,
  tokenPrefixes,
  type Kind,
  type Token,
} from '../../src/crypto/token.js'

const kind = fc.constantFrom<Kind[]>('literal', 'named', 'bytes')
const single = fc.record<Token>({
  kind,
  fingerprint: fc
    .uint8Array({ minLength: 8, maxLength: 8 })
    .map((bytes) => Buffer.from(bytes).toString('hex')),
  encapsulatedKey: fc
    .uint8Array({ minLength: 64, maxLength: 64 })
    .map((bytes) => Buffer.from([4, ...bytes])),
  ciphertext: fc.uint8Array({ minLength: 17, maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
})

const mlKem = single.chain((token) =>
  fc
    .uint8Array({ minLength: 1568, maxLength: 1568 })
    .map((bytes): Token => ({ ...token, encapsulatedKey: Buffer.from(bytes) })),
)
const built = fc
  .tuple(fc.oneof(single, mlKem), fc.constantFrom<Kind[]>('literal', 'bytes'), fc.nat())
  .map(([token, kind, sequence]): Token => ({ ...token, kind, sequence }))
const token = fc.oneof(single, mlKem, built)

describe('a token', () => {
  it('decodes to what was encoded', () => {
    fc.assert(
      fc.property(token, (fields) => {
        expect(decodeToken(encodeToken(fields))).toEqual(fields)
      }),
    )
  })

  it('has version 1 for P-256 pairs and version 2 for others', () => {
    fc.assert(fc.property(single, (fields) => encodeToken(fields).startsWith('kms:v1:')))
    fc.assert(fc.property(mlKem, (fields) => encodeToken(fields).startsWith('kms:v2:')))
  })

  it('begins with one of the prefixes of its pair', () => {
    fc.assert(
      fc.property(token, (fields) =>
        tokenPrefixes(fields.fingerprint).some((prefix) => encodeToken(fields).startsWith(prefix)),
      ),
    )
  })

  it.each([
    ['another suite', (bytes: Buffer) => bytes.fill(0x41, 9, 10), /suite is unknown/],
    ['an unknown kind', (bytes: Buffer) => bytes.fill(5, 0, 1), /kind/],
    ['cut off', (bytes: Buffer) => bytes.subarray(0, 1578 + 4 + 16), /short/],
  ])('of version 2 is rejected with %s', (_, alter, reason) => {
    const bytes = Buffer.concat([
      Buffer.of(4),
      Buffer.alloc(8),
      Buffer.of(0x42),
      Buffer.alloc(1600),
    ])
    expect(decodeToken(`kms:v2:${bytes.toString('base64url')}`)).toHaveProperty('sequence', 0)
    const altered = `kms:v2:${alter(bytes).toString('base64url')}`
    expect((decodeToken(altered) as { invalid: string }).invalid).toMatch(reason)
  })

  it('has one encoding: any other string is rejected', () => {
    const spelling = fc.tuple(token, fc.constantFrom('=', ' ', '\n', '+', '/', '-'), fc.nat())
    fc.assert(
      fc.property(spelling, ([fields, extra, at]) => {
        const text = encodeToken(fields)
        const cut = 7 + (at % (text.length - 6))
        const altered = text.slice(0, cut) + extra + text.slice(cut)
        const decoded = decodeToken(altered)
        if (!('invalid' in decoded)) expect(encodeToken(decoded)).toBe(altered)
      }),
    )
  })

  it.each([
    ['kms:v3:AAAA', /version/],
    ['kms:v2:AAAA', /short/],
    ['kms:v1:', /short/],
    ['kms:v1:AAAA', /short/],
    [`kms:v1:${Buffer.alloc(120).toString('base64url')}`, /kind/],
    [`kms:v1:${Buffer.from([1, ...Buffer.alloc(119)]).toString('base64url')}`, /point/],
    [
      `kms:v1:${Buffer.from([1, ...Buffer.alloc(8), 4, ...Buffer.alloc(64 + 16)]).toString('base64url')}`,
      /short/,
    ],
    ['kms:v1:AB', /canonical/],
  ])('may not be %s', (text, reason) =>
    expect((decodeToken(text) as { invalid: string }).invalid).toMatch(reason),
  )
})

describe('a sealed plaintext', () => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { format: 'der', type: 'spki' },
    privateKeyEncoding: { format: 'der', type: 'pkcs8' },
  })
  const pair = {
    fingerprint: fingerprintOf(publicKey),
    publicKey,
    wrapped: [],
    encryptionContext: {},
  }
  const suite = new CipherSuite({
    kem: new DhkemP256HkdfSha256(),
    kdf: new HkdfSha256(),
    aead: new Aes256Gcm(),
  })
  const recipientKey = crypto.subtle.importKey(
    'pkcs8',
    privateKey,
    { name: 'ECDH', namedCurve: 'P-256' },
    true,
    ['deriveBits'],
  )

  async function open(text: string, as: Kind, name: string) {
    const { encapsulatedKey: enc, ciphertext } = decodeToken(text) as Token
    return suite.open(
      { recipientKey: await recipientKey, enc, info: Buffer.from('unplugin-kms/v1') },
      ciphertext,
      aad(as, name),
    )
  }

  it('can be decrypted with HPKE base mode and the info and aad of the format', async () => {
    await fc.assert(
      fc.asyncProperty(
        kind,
        fc.uint8Array({ minLength: 1, maxLength: 500 }),
        fc.string({ unit: 'binary' }),
        async (as, plaintext, name) => {
          const text = await sealToText(pair, as, plaintext, name)
          expect((decodeToken(text) as Token).kind).toBe(as)
          expect(new Uint8Array(await open(text, as, name))).toEqual(plaintext)
        },
      ),
      { numRuns: 50 },
    )
  })

  it('is bound to its kind, and a named one to its name', async () => {
    const text = await sealToText(pair, 'named', Buffer.from('hunter2'), 'DB')
    await expect(open(text, 'named', 'db')).rejects.toThrow()
    await expect(open(text, 'literal', '')).rejects.toThrow()
    expect(KINDS).toEqual({ literal: 1, named: 2, bytes: 3 })
  })

  it('is different each time', async () => {
    const [one, two] = await Promise.all([
      sealToText(pair, 'literal', Buffer.from('a')),
      sealToText(pair, 'literal', Buffer.from('a')),
    ])
    expect(one).not.toBe(two)
  })
})
