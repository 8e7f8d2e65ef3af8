import fc from 'fast-check'
import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { fingerprintOf } from '../../src/crypto/data-key-pair.js'
import { SUITES, suiteOf, type Suite } from '../../src/crypto/suites.js'
import {
  decodeToken,
  encodeToken,
  plaintextSize,
  tokenSuite,
  type Kind,
} from '../../src/crypto/token.js'
import { entrySize, entryText, entryTokenReader } from '../../src/secrets-file/entry-token.js'
import { parseSecretsFile } from '../../src/secrets-file/parse.js'
import { formatSecretsFile, newSecretsFile } from '../../src/secrets-file/serialize.js'

const PUBLIC_KEYS: Record<Suite, Buffer> = {
  'P-256': generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({
    format: 'der',
    type: 'spki',
  }),
  'ML-KEM-1024': Buffer.concat([SUITES['ML-KEM-1024'].spkiHeader, Buffer.alloc(1568)]),
}
const pairs = new Map(
  Object.values(PUBLIC_KEYS).map((publicKey) => {
    const fingerprint = fingerprintOf(publicKey)
    const rest = { wrapped: [], scope: 'default', recovery: [], encryptionContext: {} }
    return [fingerprint, { fingerprint, publicKey, ...rest }] as const
  }),
)
const fingerprints = [...pairs.keys(), '0011223344556677']
const readToken = entryTokenReader(pairs.values())

/** Returns what the reader has to return: the token, if the decoder accepts it for one of the pairs. */
function expected(text: string) {
  const token = decodeToken(text)
  if ('invalid' in token || token.kind !== 'named') return undefined
  const pair = pairs.get(token.fingerprint)
  return pair && suiteOf(pair) === tokenSuite(token) ? token : undefined
}

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
const token = fc
  .record({
    kind: fc.oneof({ weight: 9, arbitrary: fc.constant<Kind>('named') }, fc.constant('bytes')),
    fingerprint: fc.constantFrom(...fingerprints),
    encapsulatedKey: fc.oneof(
      fc.tuple(fc.constantFrom(4, 4, 4, 3), bytes(64)).map(([first, rest]) => [first, ...rest]),
      bytes(1568),
    ),
    ciphertext: fc.uint8Array({ minLength: 15, maxLength: 60 }),
  })
  .map((fields) =>
    encodeToken({
      ...fields,
      kind: fields.kind as Kind,
      encapsulatedKey: Buffer.from(fields.encapsulatedKey),
    }),
  )
const character = fc.constantFrom(...'ABQYgkwv048-_=+/ \n.é')
/** A token in which one character was inserted, deleted or replaced, near the head or the end. */
const edited = fc
  .tuple(token, fc.integer({ min: -4, max: 24 }), fc.integer({ min: 0, max: 1 }), character)
  .chain(([text, at, deleted, inserted]) => {
    const parts = [text.slice(0, at), text.slice(at).slice(deleted)]
    return fc.constantFrom(parts.join(''), parts.join(inserted))
  })

describe('the token of an entry', () => {
  it('is accepted without decoding exactly if the decoder accepts it', () => {
    const seen = { accepted: 0, rejected: 0 }
    fc.assert(
      fc.property(fc.oneof(token, edited), (text) => {
        const read = readToken(text)
        const decoded = expected(text)
        seen[decoded ? 'accepted' : 'rejected']++
        expect(read !== undefined).toBe(decoded !== undefined)
        if (!read || !decoded) return
        expect({ ...decoded }).toEqual({
          kind: read.kind,
          fingerprint: read.fingerprint,
          encapsulatedKey: read.encapsulatedKey,
          ciphertext: read.ciphertext,
        })
        expect([entryText(read), entrySize(read)]).toEqual([text, plaintextSize(decoded)])
      }),
      { numRuns: 1500 },
    )
    expect(Math.min(seen.accepted, seen.rejected)).toBeGreaterThan(100)
  })

  it('is accepted for each of the 64 characters that may end it only if it is canonical', () => {
    const [fingerprint] = fingerprints
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    for (const size of [17, 18, 19]) {
      const ciphertext = Buffer.alloc(size)
      const encapsulatedKey = Buffer.alloc(65, 4)
      const text = encodeToken({
        kind: 'named',
        fingerprint: fingerprint!,
        encapsulatedKey,
        ciphertext,
      })
      for (const last of alphabet) {
        const other = text.slice(0, -1) + last
        expect(readToken(other) !== undefined, other).toBe(expected(other) !== undefined)
      }
    }
  })

  it('is rejected with another suite byte, or another form of point', () => {
    for (const [at, length, own] of [
      [0, 65, 4],
      [1, 1568, 0x42],
    ] as const) {
      const token = { kind: 'named' as const, fingerprint: fingerprints[at]! }
      const encapsulatedKey = Buffer.alloc(length, 4)
      const text = encodeToken({ ...token, encapsulatedKey, ciphertext: Buffer.alloc(20) })
      const bytes = Buffer.from(text.slice(7), 'base64url')
      for (let byte = 0; byte < 256; byte++) {
        bytes[9] = byte
        const other = text.slice(0, 7) + bytes.toString('base64url')
        expect([byte, readToken(other) !== undefined]).toEqual([byte, byte === own])
        expect([byte, expected(other) !== undefined]).toEqual([byte, byte === own])
      }
    }
  })

  it('is the same string when the file is written again', () => {
    const publicKey = PUBLIC_KEYS['P-256']
    const keyId = 'arn:aws:kms:us-east-1:111122223333:key/11111111-2222-3333-4444-555555555555'
    const file = newSecretsFile('kms-secrets.json', {
      fingerprint: fingerprintOf(publicKey),
      publicKey,
      wrapped: [{ keyId, ciphertextBlob: 'AAAA' }],
      encryptionContext: {},
    })
    file.secrets.set('A', {
      kind: 'named',
      fingerprint: fingerprintOf(publicKey),
      encapsulatedKey: Buffer.alloc(65, 4),
      ciphertext: Buffer.alloc(20, 1),
    })
    const text = formatSecretsFile(file)
    expect(formatSecretsFile(parseSecretsFile(text, file.path))).toBe(text)
  })
})
