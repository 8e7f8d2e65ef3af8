import { GenerateDataKeyPairWithoutPlaintextCommand } from '@aws-sdk/client-kms'
import { ml_kem1024, ml_kem768 } from '@noble/post-quantum/ml-kem.js'
import fc from 'fast-check'
import * as crypto from 'node:crypto'
import {
  createDecipheriv,
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
} from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { importMlKem, mlKemRecipient, unsupported } from '../src/import-ml-kem.js'
import { envelope } from '../src/ml-kem.js'
import type { Wrapped } from '../src/shim.js'
import { encapsulate, newMlKemPair, sealMessage, sealMlKem } from './ml-kem-sealer.mjs'
import { newPair } from './sealer.mjs'
import { ACCUMULATED, accumulate, ACVP_DECAPSULATION, ACVP_KEYS, STRCMP } from './ml-kem-vectors.js'
import { CONTEXT, PATIENT, useKms } from './world.js'

const world = useKms()
const hex = (...lines: string[]) => Buffer.from(lines.join(''), 'hex')
const ascii = (buffer: Buffer) => buffer.toString('latin1')

/** A data key pair of KMS, and its SPKI. */
async function kmsPair() {
  const { arn } = await world.kms.createKey()
  const { PublicKey, PrivateKeyCiphertextBlob } = await world.client().send(
    new GenerateDataKeyPairWithoutPlaintextCommand({
      KeyId: arn,
      KeyPairSpec: 'ML_KEM_1024',
      EncryptionContext: CONTEXT,
    }),
  )
  const blob = Buffer.from(PrivateKeyCiphertextBlob!).toString('base64')
  const wrapped: Wrapped = [arn, new URL(world.kms.url).host, blob]
  return { spki: Buffer.from(PublicKey!), wrapped }
}

describe.runIf(unsupported())('on a node without ML-KEM', () => {
  it('is an error that says so, without a call of KMS', async () => {
    const { spki, wrapped } = await kmsPair()
    const [token] = sealMlKem(spki, [{ kind: 1, plaintext: 'hunter2' }])
    const secret = envelope([wrapped], CONTEXT, PATIENT)(token!, 'DB')
    await expect(secret).rejects.toMatchObject({
      name: 'KmsSecretError',
      code: 'NODE_UNSUPPORTED',
      message: `DB: ML-KEM needs Node.js 24.7 or later, and this is ${process.version} [NODE_UNSUPPORTED]`,
    })
    expect(world.decrypts).toEqual([])
  })
})

// Node before 24.7 has no ML-KEM.
describe.skipIf(unsupported())('with ML-KEM', () => {
  it('opens the tokens of a pair of KMS with one Decrypt', async () => {
    const { spki, wrapped } = await kmsPair()
    const [literal, named, bytes, built] = sealMlKem(spki, [
      { kind: 1, plaintext: 'hunter2' },
      { kind: 2, name: 'DB', plaintext: '{"a":1}' },
      { kind: 3, plaintext: Buffer.of(0, 255) },
      { kind: 4, name: "secret.env('X')", plaintext: 'x' },
    ])
    const open = envelope([wrapped], CONTEXT, PATIENT)
    expect(
      await Promise.all([
        open(literal!, 'src/a.ts:1:1'),
        open(named!, 'DB', 'json'),
        open(bytes!, 'B', 'bytes'),
        open(built!, "secret.env('X')"),
      ]),
    ).toEqual(['hunter2', { a: 1 }, Uint8Array.of(0, 255), 'x'])
    expect(world.decrypts).toMatchObject([{ encryptionContext: CONTEXT, outcome: 'Success' }])
  })

  // draft-ietf-hpke-pq-05, A.3: ML-KEM-1024, HKDF-SHA384, AES-256-GCM. The encapsulated key follows
  // from the public key and ikmE, as EncapDerand defines; its shared secret is compared.
  it('opens the messages of draft-ietf-hpke-pq-05, A.3', () => {
    const seed = hex(
      '73a9ffe155d39edcc023b11171ad6cf541ff85eff68c33b521ba25cbb1b7079b',
      'f848b63f5b8ca53f809255b51f1bef24b342d706a77cb460981e16b2ce737552',
    )
    const info = hex(
      '3466363436353230366636653230363132303437373236353633363936313665',
      '3230353537323665',
    )
    const ikmE = hex('54e68c4d0f72b94d956acf637c23570e505db5c08c0068bd136cacbc7dedda89')
    const { spki, pkcs8 } = newMlKemPair(seed)
    const { enc, sharedSecret } = encapsulate(spki, info, ikmE)
    expect(Buffer.from(sharedSecret).toString('hex')).toBe(
      'ef4fb9e654c1f7cfe66da7f2d0ed39429067dfdf3b65723ae941221177f55552',
    )
    const schedule = mlKemRecipient(privateKeyOf(pkcs8), ascii(info))
    const [key, baseNonce] = schedule(enc)
    expect(key.toString('hex')).toBe(
      '85147d20f1ff72eb9a5d3de9a3c920ab0cac7b00300e6b07a7f53b87ef07e1b0',
    )
    expect(baseNonce.toString('hex')).toBe('75437389e6da148fdcaa309d')
    const plaintext = hex(
      '343236353631373537343739323036393733323037343732373537343638326332',
      '30373437323735373436383230363236353631373537343739',
    )
    for (const [sequence, ciphertext] of [
      '9d16979cb9ac997886c0ec51ed2c049d7ec53b369467026157ef061af23695b996' +
        'e1893afd2173c310546859e82eea9c16e0a1363bc994f2ff708e5d60089c1b233f38ce6a7fbd176744',
      '36ac3e4d4b5709eb863f6cd257f046b2f36077a010952a9e2811494adc95667674' +
        '880e672d9cf1fa4e9e55245d22ca553c86a60cce2714108ba52865dc4addd1025c69b3206598f78903',
      '4e9c9424c210f9cc0d2dd090bb44a022de0b52d3e475d6c4371104f2da02e4a5bc' +
        '40e993d71f13e36d0b94a730e62198bd73195d688e68ca37dc4fc1cf6f0796e701ca7752204ba806be',
    ].entries()) {
      const aad = Buffer.from(`Count-${sequence}`)
      const sealed = sealMessage({ key, baseNonce }, sequence, plaintext, aad)
      expect(sealed.toString('hex')).toBe(ciphertext)
    }
  })

  it('agrees with @noble/post-quantum over generated keys, info and plaintexts', () => {
    const bytes = fc.uint8Array({ maxLength: 300 })
    const seeds = fc.uint8Array({ minLength: 64, maxLength: 64 })
    fc.assert(
      fc.property(seeds, bytes, bytes, bytes, (seed, info, aad, plaintext) => {
        const { spki, pkcs8 } = newMlKemPair(seed)
        const sealed = encapsulate(spki, info)
        const message = sealMessage(sealed, 0, plaintext, aad)
        const schedule = mlKemRecipient(privateKeyOf(pkcs8), ascii(Buffer.from(info)))
        const aead = createDecipheriv('aes-256-gcm', ...schedule(sealed.enc)).setAAD(aad)
        const opened = aead.setAuthTag(message.subarray(-16)).update(message.subarray(0, -16))
        aead.final()
        expect(new Uint8Array(opened)).toEqual(plaintext)
      }),
      { numRuns: 50 },
    )
  })

  it('rejects an altered encapsulated key implicitly, as @noble/post-quantum does', () => {
    const seed = Buffer.alloc(64, 7)
    const { spki, pkcs8 } = newMlKemPair(seed)
    const { secretKey } = ml_kem1024.keygen(seed)
    const { enc } = encapsulate(spki)
    const decapsulate = mlKemRecipient(privateKeyOf(pkcs8), '')
    const [intact] = decapsulate(enc)
    for (let index = 0; index < enc.length; index += 97) {
      const altered = Buffer.from(enc)
      altered[index]! ^= 1
      expect(decapsulate(altered)[0]).not.toEqual(intact)
      expect(ml_kem1024.decapsulate(altered, secretKey)).not.toEqual(
        ml_kem1024.decapsulate(enc, secretKey),
      )
    }
    for (const length of [0, 1, 1088, 1567, 1569]) {
      expect(() => decapsulate(Buffer.alloc(length))).toThrow()
    }
  })

  it.each(ACVP_KEYS)('derives the key of the ACVP vector $tcId from its seed', (vector) => {
    const { spki, pkcs8 } = newMlKemPair(vector.seed)
    const exported = createPublicKey(privateKeyOf(pkcs8)).export({ format: 'der', type: 'spki' })
    const hash = createHash('sha3-256').update(exported.subarray(-1568)).digest('hex')
    expect(hash).toBe(vector.hashOfEncapsulationKey)
    expect(spki).toEqual(exported)
    expect(importMlKem(pkcs8)[0]).toBe(createHash('sha256').update(spki).digest('hex'))
  })

  it.each(ACVP_DECAPSULATION.tests)(
    'decapsulates the ACVP vector $tcId: $reason',
    ({ ciphertext, sharedSecret }) => {
      // RFC 9935: `PrivateKeyInfo { 0, { ML-KEM-1024 }, OCTET STRING { OCTET STRING } }`, the expanded key.
      const header = hex('30820c78020100300b060960864801650304040304820c6404820c60')
      const { decapsulationKey } = ACVP_DECAPSULATION
      const key = privateKeyOf(Buffer.concat([header, decapsulationKey]))
      expect(Buffer.from(nodeDecapsulate(key, ciphertext)).toString('hex')).toBe(sharedSecret)
    },
  )

  it('rejects a ciphertext that differs only after a zero byte', () => {
    const key = privateKeyOf(newMlKemPair(STRCMP.seed).pkcs8)
    const secret = nodeDecapsulate(key, STRCMP.ciphertext)
    expect(Buffer.from(secret).toString('hex')).toBe(STRCMP.sharedSecret)
  })

  it('decapsulates 10,000 accumulated vectors, and rejects as many ciphertexts', async () => {
    const hash = await accumulate(10_000, ({ seed, message, ciphertext }) => {
      const { publicKey, secretKey } = ml_kem1024.keygen(seed)
      const { cipherText } = ml_kem1024.encapsulate(publicKey, message)
      const privateKey = privateKeyOf(newMlKemPair(seed).pkcs8)
      const open = (enc: Uint8Array) => nodeDecapsulate(privateKey, Buffer.from(enc))
      return {
        encapsulationKey: publicKey,
        decapsulationKey: secretKey,
        ciphertext: cipherText,
        sharedSecret: open(cipherText),
        rejected: open(ciphertext),
      }
    })
    expect(hash).toBe(ACCUMULATED)
  }, 600_000)

  it('zeroes the private key in the buffer that KMS returned', () => {
    const { pkcs8 } = newMlKemPair()
    importMlKem(pkcs8)
    expect(pkcs8).toEqual(Buffer.alloc(pkcs8.length))
  })

  it.each([
    ['nothing', () => Buffer.alloc(0)],
    ['other bytes', () => Buffer.alloc(86, 'hunter2')],
    ['a P-256 key', () => newPair().pkcs8],
    [
      'an Ed25519 key',
      () => generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'der' }),
    ],
    [
      'a key of ML-KEM-768',
      () => {
        const seed = Buffer.alloc(64, 1)
        expect(ml_kem768.keygen(seed).publicKey).toHaveLength(1184)
        const { pkcs8 } = newMlKemPair(seed)
        pkcs8[pkcs8.indexOf(Buffer.from('608648016503040403', 'hex')) + 8] = 2
        return pkcs8
      },
    ],
    ['truncated', () => newMlKemPair().pkcs8.subarray(0, -1)],
  ])('rejects a private key that is %s', (_, other) => {
    expect(() => importMlKem(Buffer.from(other()))).toThrow(
      expect.objectContaining({ code: 'OPEN_FAILED', why: 'not a private key' }),
    )
  })
})

/** Node's own Decaps, whose types arrive with Node 24. */
const nodeDecapsulate = (key: crypto.KeyObject, ciphertext: Buffer): Uint8Array =>
  (crypto as unknown as { decapsulate: typeof nodeDecapsulate }).decapsulate(key, ciphertext)

const privateKeyOf = (pkcs8: Buffer) =>
  createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' })
