import fc from 'fast-check'
import { createCipheriv, createECDH, createHash, generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { KmsSecretError } from '../src/error.js'
import { importKey, openMessage } from '../src/open.js'
import { secret } from '../src/secret.js'
import { keyOf, sharedSecretOf } from './reference-hpke.js'
import { bytesOf, newPair, seal, tokenOf } from './sealer.mjs'

const PAIR = newPair()
const RSA = {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'der' },
  privateKeyEncoding: { type: 'pkcs8', format: 'der' },
} as const
const key = importKey(Buffer.from(PAIR.pkcs8))
const open = (token: string, name: string) => openMessage(key, token, name)

/** Returns the error code of a token that fails, or its value or other error. */
const codeOf = (token: string, name: string) =>
  secret(name, undefined, async () => open(token, name)).catch((error: unknown) =>
    error instanceof KmsSecretError ? error.code : error,
  )

describe('a token', () => {
  it('opens to its plaintext, for any plaintext', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 5000 }),
        fc.constantFrom(1 as const, 3 as const),
        async (plaintext, kind) => {
          expect(new Uint8Array(open(await seal(PAIR.spki, plaintext, { kind }), ''))).toEqual(
            plaintext,
          )
        },
      ),
      { numRuns: 50 },
    )
  })

  it('of a named secret opens with its own name only', async () => {
    const name = fc.string({ unit: 'grapheme', minLength: 1 })
    await fc.assert(
      fc.asyncProperty(name, name, async (own, other) => {
        fc.pre(own !== other)
        const token = await seal(PAIR.spki, 'value', { kind: 2, name: own })
        expect(open(token, own).toString()).toBe('value')
        expect(() => open(token, other)).toThrow()
      }),
      { numRuns: 50 },
    )
  })

  it('of a literal opens with any label', async () => {
    expect(open(await seal(PAIR.spki, 'value'), 'any label').toString()).toBe('value')
  })

  it('with any flipped bit is an error, and PAIR_UNKNOWN for bits of the fingerprint', async () => {
    const bytes = bytesOf(await seal(PAIR.spki, 'hunter2', { kind: 2, name: 'DB' }))
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const flipped = Buffer.from(bytes)
      flipped[bit >> 3]! ^= 1 << (bit & 7)
      const fingerprint = bit >= 8 && bit < 72
      expect(await codeOf(tokenOf(flipped), 'DB'), `bit ${bit}`).toBe(
        fingerprint ? 'PAIR_UNKNOWN' : 'OPEN_FAILED',
      )
    }
  })

  it('that is truncated at any length is an error', async () => {
    const token = await seal(PAIR.spki, 'hunter2')
    for (let length = 0; length < token.length; length++) {
      expect(await codeOf(token.slice(0, length), ''), `length ${length}`).toBe('OPEN_FAILED')
    }
    const bytes = bytesOf(token)
    for (let length = 0; length < bytes.length; length++) {
      const code = await codeOf(tokenOf(bytes.subarray(0, length)), '')
      expect(code, `${length} bytes`).toBe('OPEN_FAILED')
    }
  })

  it('with anything before, after or inside it does not open', async () => {
    const token = await seal(PAIR.spki, 'hunter2')
    const [before, after] = [token.slice(0, 40), token.slice(40)]
    for (const text of [
      ` ${token}`,
      `${token} `,
      `${token}=`,
      `${before}\n${after}`,
      `${before}!${after}`,
    ]) {
      expect(() => open(text, '')).toThrow()
    }
    expect(() => open(token.replaceAll('-', '+').replaceAll('_', '/') + '=', '')).toThrow()
  })

  it('of another version does not open', async () => {
    const token = await seal(PAIR.spki, 'hunter2')
    expect(() => open(token.replace('v1', 'v2'), '')).toThrow()
  })

  it('with another encoding of its point does not open, even if it was sealed with it', () => {
    const pair = createECDH('prime256v1')
    pair.setPrivateKey(PAIR.pkcs8.subarray(36, 68))
    const sender = createECDH('prime256v1')
    sender.generateKeys()
    for (const [format, opens] of [
      ['uncompressed', true],
      ['hybrid', false],
    ] as const) {
      const enc = sender.getPublicKey(null, format)
      const { key, nonce } = keyOf(sharedSecretOf(pair, enc))
      const aead = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.of(1))
      const ciphertext = Buffer.concat([aead.update('hunter2'), aead.final(), aead.getAuthTag()])
      const fingerprint = createHash('sha256').update(PAIR.spki).digest().subarray(0, 8)
      const token = tokenOf(Buffer.of(1), fingerprint, enc, ciphertext)
      if (opens) expect(open(token, '').toString()).toBe('hunter2')
      else expect(() => open(token, '')).toThrow()
    }
  })

  it('sealed to another pair is distinguished from one that was altered', async () => {
    const foreign = await seal(newPair().spki, 'hunter2')
    expect(() => open(foreign, '')).toThrow(expect.objectContaining({ code: 'PAIR_UNKNOWN' }))
    const altered = (await seal(PAIR.spki, 'hunter2')).replace(/.$/, (last) =>
      last === 'A' ? 'E' : 'A',
    )
    expect(() => open(altered, '')).not.toThrow(expect.objectContaining({ code: 'PAIR_UNKNOWN' }))
  })
})

describe('the private key', () => {
  it('is accepted with and without the optional public key', async () => {
    const pair = createECDH('prime256v1')
    pair.generateKeys()
    const bare = Buffer.concat([
      Buffer.from('3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201010420', 'hex'),
      // A scalar that begins with zeros comes short from node.
      Buffer.from(pair.getPrivateKey('hex').padStart(64, '0'), 'hex'),
    ])
    const spki = Buffer.concat([PAIR.spki.subarray(0, 26), pair.getPublicKey()])
    expect(openMessage(importKey(bare), await seal(spki, 'bare'), '').toString()).toBe('bare')
  })

  it('is zeroed in the buffer that KMS returned', () => {
    const pkcs8 = Buffer.from(PAIR.pkcs8)
    importKey(pkcs8)
    expect(pkcs8).toEqual(Buffer.alloc(pkcs8.length))
  })

  it.each([
    ['nothing', Buffer.alloc(0)],
    ['a few bytes', Buffer.from('hunter2')],
    ['zeros', Buffer.alloc(138)],
    ['other bytes', Buffer.alloc(138, 'hunter2')],
    ['a scalar of 0', Buffer.from(PAIR.pkcs8).fill(0, 36, 68)],
    ['a scalar beyond the curve', Buffer.from(PAIR.pkcs8).fill(255, 36, 68)],
    ['an RSA key', generateKeyPairSync('rsa', RSA).privateKey],
  ])('is rejected if it is %s', (_, other) => {
    expect(() => importKey(other)).toThrow(
      expect.objectContaining({ code: 'OPEN_FAILED', why: 'not a private key' }),
    )
  })
})
