import { createHmac, generateKeyPairSync } from 'node:crypto'
import { Aes256Gcm, CipherSuite, DhkemP256HkdfSha256, HkdfSha256 } from '@hpke/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fingerprintOf, type DataKeyPair } from '../../../src/crypto/data-key-pair.js'
import { sealToText } from '../../../src/crypto/seal.js'
import { decodeToken, type Kind, type Token } from '../../../src/crypto/token.js'
import { resolveOptions } from '../../../src/options/resolve-options.js'

function newPair(): DataKeyPair {
  const { publicKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { format: 'der', type: 'spki' },
    privateKeyEncoding: { format: 'der', type: 'pkcs8' },
  })
  return { fingerprint: fingerprintOf(publicKey), publicKey, wrapped: [], encryptionContext: {} }
}

const pair = newPair()
const seed = Buffer.alloc(32, 7)
const message = fc.record({
  kind: fc.constantFrom<Kind[]>('literal', 'bytes'),
  plaintext: fc.uint8Array({ minLength: 1, maxLength: 100 }),
})
const encOf = (token: string) =>
  Buffer.from((decodeToken(token) as Token).encapsulatedKey).toString('hex')

describe('with a seed', () => {
  it('an equal message has an equal token', async () => {
    await fc.assert(
      fc.asyncProperty(message, async ({ kind, plaintext }) => {
        expect(await sealToText(pair, kind, plaintext, '', seed)).toBe(
          await sealToText(pair, kind, plaintext, '', seed),
        )
      }),
      { numRuns: 20 },
    )
  })

  it('another plaintext, kind, pair or seed has another ephemeral key, so no nonce is used twice', async () => {
    const plaintext = Buffer.from('a plaintext')
    const tokens = await Promise.all([
      sealToText(pair, 'literal', plaintext, '', seed),
      sealToText(pair, 'literal', Buffer.from('another plaintext'), '', seed),
      sealToText(pair, 'bytes', plaintext, '', seed),
      sealToText(newPair(), 'literal', plaintext, '', seed),
      sealToText(pair, 'literal', plaintext, '', Buffer.alloc(32, 8)),
    ])
    expect(new Set(tokens.map(encOf)).size).toBe(tokens.length)
  })

  it('the ephemeral key is DeriveKeyPair of a MAC over the public key, info, aad and plaintext', async () => {
    const plaintext = Buffer.from('a plaintext')
    const prefixed = (bytes: Uint8Array) => Buffer.concat([Buffer.of(0, 0, 0, bytes.length), bytes])
    const ikm = createHmac('sha256', seed)
      .update(
        Buffer.concat([
          Buffer.from('unplugin-kms/v1 ikm'),
          prefixed(pair.publicKey),
          prefixed(Buffer.from('unplugin-kms/v1')),
          prefixed(Buffer.of(1)),
          prefixed(plaintext),
        ]),
      )
      .digest()
    const { kem } = new CipherSuite({
      kem: new DhkemP256HkdfSha256(),
      kdf: new HkdfSha256(),
      aead: new Aes256Gcm(),
    })
    const { publicKey } = await kem.deriveKeyPair(new Uint8Array(ikm).buffer)
    expect(encOf(await sealToText(pair, 'literal', plaintext, '', seed))).toBe(
      Buffer.from(await kem.serializePublicKey(publicKey)).toString('hex'),
    )
  })
})

it('without a seed all tokens differ', async () => {
  expect(await sealToText(pair, 'literal', Buffer.from('a'))).not.toBe(
    await sealToText(pair, 'literal', Buffer.from('a')),
  )
})

it.each(['short', Buffer.alloc(31).toString('base64'), `${Buffer.alloc(32).toString('base64')}\n`])(
  'a seed that is not 32 bytes in base64 is rejected without being shown',
  (UNPLUGIN_KMS_SEED) => {
    expect(() => resolveOptions({}, '/', { UNPLUGIN_KMS_SEED })).toThrow(
      'UNPLUGIN_KMS_SEED is not base64',
    )
  },
)
