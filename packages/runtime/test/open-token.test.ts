import { createCipheriv, createECDH, createHash, createPrivateKey } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { KmsSecretError } from '../src/error.js'
import { openToken } from '../src/open-token.js'
import { importMlKem, unsupported } from '../src/import-ml-kem.js'
import { importKey, openMessage, type ImportedKey } from '../src/open.js'
import { secret } from '../src/secret.js'
import { encapsulate, ML_KEM_1024, newMlKemPair, sealMessage, sealMlKem } from './ml-kem-sealer.mjs'
import { keyOf, sharedSecretOf } from './reference-hpke.js'
import { bytesOf, type DataKeyPair, newPair, seal, sealBuilt, tokenOf } from './sealer.mjs'

interface Message {
  kind?: 4 | 6
  name: string
  plaintext: string | Uint8Array
}

interface Suite {
  version: 1 | 2
  /** Where the sequence number begins. */
  sequence: number
  newPair: typeof newPair
  sealAll: (spki: Uint8Array, messages: Message[]) => Promise<string[]>
  /** Seals an entry of a secrets file, which has an encapsulation of its own. */
  sealEntry: (spki: Uint8Array, name: string, plaintext: string) => Promise<string>
  importKey: (pkcs8: Buffer) => ImportedKey
  /** Returns a function that seals tokens of one encapsulation, as bytes. */
  encapsulate: (pair: DataKeyPair) => (sequence: number, name: string, plaintext: string) => Buffer
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** Returns a token of a value that a build sealed, by an independent implementation of the key schedule. */
function numberedToken(
  spki: Buffer,
  encapsulatedKey: Buffer,
  schedule: { key: Buffer; baseNonce: Buffer },
  [sequence, name, plaintext]: [number, string, string],
) {
  const number = Buffer.alloc(4)
  number.writeUInt32BE(sequence)
  const fingerprint = createHash('sha256').update(spki).digest().subarray(0, 8)
  const message = sealMessage(schedule, sequence, plaintext, Buffer.from(`\x04${name}`))
  return Buffer.concat([Buffer.of(4), fingerprint, encapsulatedKey, number, message])
}

const P256: Suite = {
  version: 1,
  sequence: 74,
  newPair,
  sealAll: sealBuilt,
  sealEntry: (spki, name, plaintext) => seal(spki, plaintext, { kind: 2, name }),
  importKey,
  encapsulate: ({ spki, pkcs8 }) => {
    const recipient = createECDH('prime256v1')
    const privateKey = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' })
    recipient.setPrivateKey(privateKey.export({ format: 'jwk' }).d!, 'base64url')
    const enc = createECDH('prime256v1').generateKeys()
    const { key, nonce } = keyOf(sharedSecretOf(recipient, enc))
    return (...message) => numberedToken(spki, enc, { key, baseNonce: nonce }, message)
  },
}
const ML_KEM: Suite = {
  version: 2,
  sequence: 1578,
  newPair: newMlKemPair,
  sealAll: async (spki, messages) =>
    sealMlKem(
      spki,
      messages.map((message) => ({ kind: 4, ...message })),
    ),
  sealEntry: async (spki, name, plaintext) => sealMlKem(spki, [{ kind: 2, name, plaintext }])[0]!,
  importKey: importMlKem,
  encapsulate: ({ spki }) => {
    const { enc, ...schedule } = encapsulate(spki)
    const suiteAndKey = Buffer.concat([Buffer.of(ML_KEM_1024), enc])
    return (...message) => numberedToken(spki, suiteAndKey, schedule, message)
  },
}
// Node before 24.7 has no ML-KEM.
const suites = [
  ['P-256', P256, false],
  ['ML-KEM-1024', ML_KEM, unsupported() !== undefined],
] as const

for (const [title, suite, isSkipped] of suites) {
  describe.skipIf(isSkipped)(`a token that a build sealed to a pair of ${title}`, () => {
    const pair = suite.newPair()
    const textOf = (bytes: Uint8Array) =>
      `kms:v${suite.version}:${Buffer.from(bytes).toString('base64url')}`
    // Above Node 24.7 only, for ML-KEM.
    const key = isSkipped ? undefined : suite.importKey(Buffer.from(pair.pkcs8))
    const open = (token: string, name: string) => openToken(key!, token, name)
    const codeOf = (token: string, name: string) =>
      secret(name, undefined, async () => open(token, name)).catch((error: unknown) =>
        error instanceof KmsSecretError ? error.code : error,
      )

    it('opens to its plaintext, whatever the messages of its encapsulation', async () => {
      const message = fc.record({
        kind: fc.constantFrom(4 as const, 6 as const),
        name: fc.string({ unit: 'grapheme' }),
        plaintext: fc.uint8Array({ maxLength: 300 }),
      })
      await fc.assert(
        fc.asyncProperty(fc.array(message, { minLength: 1, maxLength: 5 }), async (messages) => {
          const tokens = await suite.sealAll(pair.spki, messages)
          // In any order: the first to be opened may be the last one.
          for (const [index, { name, plaintext }] of [...messages.entries()].reverse())
            expect(new Uint8Array(open(tokens[index]!, name))).toEqual(plaintext)
        }),
        { numRuns: 40 },
      )
    })

    it('opens with its own name only', async () => {
      const [token] = await suite.sealAll(pair.spki, [{ name: 'DB', plaintext: 'hunter2' }])
      expect(open(token!, 'DB').toString()).toBe('hunter2')
      for (const name of ['', 'D', 'DB ', 'db', '\x04DB'])
        expect(() => open(token!, name)).toThrow()
    })

    it('is an error with any flipped bit, also after its encapsulation was used', async () => {
      const [token, other] = await suite.sealAll(pair.spki, [
        { name: 'DB', plaintext: 'hunter2' },
        { name: 'API', plaintext: 'other' },
      ])
      open(other!, 'API')
      const bytes = bytesOf(token!)
      for (let bit = 0; bit < bytes.length * 8; bit++) {
        const flipped = Buffer.from(bytes)
        flipped[bit >> 3]! ^= 1 << (bit & 7)
        const fingerprint = bit >= 8 && bit < 72
        expect(await codeOf(textOf(flipped), 'DB'), `bit ${bit}`).toBe(
          fingerprint ? 'PAIR_UNKNOWN' : 'OPEN_FAILED',
        )
      }
    })

    it('is an error at any length but its own', async () => {
      const [token] = await suite.sealAll(pair.spki, [{ name: 'DB', plaintext: 'hunter2' }])
      const bytes = bytesOf(token!)
      for (let length = 0; length < bytes.length; length++)
        expect(await codeOf(textOf(bytes.subarray(0, length)), 'DB'), `${length} bytes`).toBe(
          'OPEN_FAILED',
        )
      for (let more = 1; more <= 16; more++) {
        const longer = Buffer.concat([bytes, Buffer.alloc(more)])
        expect(await codeOf(textOf(longer), 'DB'), `${more} bytes more`).toBe('OPEN_FAILED')
      }
      for (let length = 0; length < token!.length; length++)
        expect(await codeOf(token!.slice(0, length), 'DB')).toBe('OPEN_FAILED')
    })

    it('is an error with another sequence number of its encapsulation', async () => {
      const messages = ['A', 'B', 'C'].map((name) => ({ name, plaintext: `value of ${name}` }))
      const tokens = await suite.sealAll(pair.spki, messages)
      for (const [index, token] of tokens.entries()) {
        for (let number = 0; number < 300; number++) {
          const bytes = bytesOf(token)
          bytes.writeUInt32BE(number, suite.sequence)
          const { name, plaintext } = messages[index]!
          const expected = number === index ? plaintext : 'OPEN_FAILED'
          expect(await codeOf(textOf(bytes), name), `${index} as ${number}`).toBe(expected)
        }
      }
    })

    it('is an error with the name, number or ciphertext of another one', async () => {
      const messages = ['A', 'B'].map((name) => ({ name, plaintext: `value of ${name}` }))
      const [a, b] = await suite.sealAll(pair.spki, messages)
      expect(await codeOf(a!, 'B')).toBe('OPEN_FAILED')
      expect(await codeOf(b!, 'A')).toBe('OPEN_FAILED')
      const [one, two] = [bytesOf(a!), bytesOf(b!)]
      const head = suite.sequence
      const swapped = Buffer.concat([one.subarray(0, head + 4), two.subarray(head + 4)])
      for (const name of ['A', 'B']) expect(await codeOf(textOf(swapped), name)).toBe('OPEN_FAILED')
    })

    it('is an error with the encapsulated key of another build', async () => {
      const message = { name: 'A', plaintext: 'value' }
      const [[one], [two]] = [
        await suite.sealAll(pair.spki, [message]),
        await suite.sealAll(pair.spki, [message]),
      ]
      const mixed = Buffer.concat([
        bytesOf(one!).subarray(0, suite.sequence),
        bytesOf(two!).subarray(suite.sequence),
      ])
      expect(await codeOf(one!, 'A')).toBe('value')
      expect(await codeOf(textOf(mixed), 'A')).toBe('OPEN_FAILED')
    })

    it('does not open with another version or with characters around it', async () => {
      const [token] = await suite.sealAll(pair.spki, [{ name: 'A', plaintext: 'value' }])
      for (const text of [
        ...[0, 1, 2, 3, 4]
          .filter((version) => version !== suite.version)
          .map((version) => token!.replace(/v\d/, `v${version}`)),
        ` ${token}`,
        `${token} `,
        `${token}=`,
        `${token!.slice(0, 40)}\n${token!.slice(40)}`,
      ])
        expect(await codeOf(text, 'A')).toBe('OPEN_FAILED')
    })

    it('is canonical base64url, also after its encapsulation was used', async () => {
      // One token for each number of unused bits in the last character: 0, 2 and 4.
      const messages = ['a', 'ab', 'abc'].map((plaintext) => ({ name: 'A', plaintext }))
      const tokens = await suite.sealAll(pair.spki, messages)
      for (const [index, token] of tokens.entries()) {
        expect(await codeOf(token, 'A')).toBe(messages[index]!.plaintext)
        const variants = [...ALPHABET].map((last) => token.slice(0, -1) + last)
        for (const [position, character] of [...token].entries()) {
          const before = token.slice(0, position)
          variants.push(...[...'\n ='].map((ignored) => before + ignored + token.slice(position)))
          const standard = { '-': '+', _: '/' }[character]
          if (standard) variants.push(before + standard + token.slice(position + 1))
        }
        for (const variant of variants) {
          if (variant !== token) expect(await codeOf(variant, 'A'), variant).toBe('OPEN_FAILED')
        }
      }
    })

    it('is distinguished from one of another pair, also after that pair opened it', async () => {
      const other = suite.newPair()
      const [foreign] = await suite.sealAll(other.spki, [{ name: 'A', plaintext: 'a' }])
      expect(await codeOf(foreign!, 'A')).toBe('PAIR_UNKNOWN')
      const otherKey = suite.importKey(Buffer.from(other.pkcs8))
      expect(openToken(otherKey, foreign!, 'A').toString()).toBe('a')
      expect(await codeOf(foreign!, 'A')).toBe('PAIR_UNKNOWN')
    })

    it('opens between tokens of other builds, pairs and files, and malformed ones', async () => {
      const pairs = [pair, suite.newPair()].map(({ spki, pkcs8 }) => ({
        spki,
        key: suite.importKey(Buffer.from(pkcs8)),
      }))
      const builds = await Promise.all(
        [0, 0, 1, 1].map(async (which, build) => {
          const messages = ([4, 4, 6] as const).map((kind, index) => ({
            kind,
            name: `S${index}`,
            plaintext: `value ${index} of build ${build}`,
          }))
          const { spki } = pairs[which]!
          const tokens = await suite.sealAll(spki, messages)
          // Of a secrets file.
          const entry = { name: 'S0', plaintext: `value of entry ${build}` }
          tokens.push(await suite.sealEntry(spki, entry.name, entry.plaintext))
          return [...messages, entry].map(({ name, plaintext }, index) => ({
            ...pairs[which]!,
            name,
            plaintext,
            token: tokens[index]!,
          }))
        }),
      )
      const steps = fc.array(
        fc.record({
          secret: fc.constantFrom(...builds.flat()),
          // Cut off, or with the key of the other pair.
          length: fc.option(fc.nat({ max: suite.sequence * 2 }), { freq: 2 }),
          isSwapped: fc.boolean(),
        }),
        { minLength: 2, maxLength: 30 },
      )
      fc.assert(
        fc.property(steps, (list) => {
          for (const { secret, length, isSwapped } of list) {
            const { key, name, plaintext } = secret
            const otherKey = pairs.find((other) => other.key !== key)!.key
            const token = secret.token.slice(0, length ?? undefined)
            const openStep = () => openToken(isSwapped ? otherKey : key, token, name).toString()
            if (isSwapped || token !== secret.token) expect(openStep).toThrow()
            else expect(openStep()).toBe(plaintext)
          }
        }),
        { numRuns: 100 },
      )
    })

    it('opens with any sequence number', () => {
      const sequences = fc.array(fc.integer({ min: 0, max: 2 ** 32 - 1 }), { minLength: 1 })
      fc.assert(
        fc.property(sequences, (numbers) => {
          const sealNumbered = suite.encapsulate(pair)
          for (const number of numbers) {
            const text = `value ${number}`
            expect(open(textOf(sealNumbered(number, 'A', text)), 'A').toString()).toBe(text)
          }
        }),
        { numRuns: 25 },
      )
    })
  })
}

it('rejects a single message that is rewritten as one of a build, and the reverse', async () => {
  const pair = newPair()
  const key = importKey(Buffer.from(pair.pkcs8))
  const bytes = bytesOf(await seal(pair.spki, 'hunter2', { kind: 2, name: 'A' }))
  expect(openMessage(key, tokenOf(bytes), 'A').toString()).toBe('hunter2')
  const numbered = Buffer.concat([bytes.subarray(0, 74), Buffer.alloc(4), bytes.subarray(74)])
  const [token] = await sealBuilt(pair.spki, [{ name: 'A', plaintext: 'hunter2' }])
  expect(openToken(key, token!, 'A').toString()).toBe('hunter2')
  const built = bytesOf(token!)
  const plain = Buffer.concat([built.subarray(0, 74), built.subarray(78)])
  for (const kind of [1, 2, 3, 4, 5, 6]) {
    for (const altered of [numbered, plain]) {
      altered[0] = kind
      for (const open of [openMessage, openToken])
        expect(() => open(key, tokenOf(altered), 'A'), `kind ${kind}`).toThrow()
    }
  }
})

it('does not open with a tag that is shorter than 16 bytes', () => {
  // Only a token of at most 15 bytes could have a shorter tag, and then the tag is all of it. With this
  // key and nonce, the tag begins as a token does: kind 1, and the byte of P-256 after 8 others.
  const key = Buffer.alloc(32)
  const nonce = Buffer.alloc(12)
  nonce.writeUInt32BE(3, 8)
  const aead = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.of(1))
  aead.final()
  const tag = aead.getAuthTag()
  expect([tag[0], tag[9]]).toEqual([1, 4])
  for (const length of [12, 13, 14, 15]) {
    const token = tokenOf(tag.subarray(0, length))
    const open = () => openToken([tag.toString('hex', 1, 9), () => [key, nonce]], token, 'A')
    expect(open, `${length} bytes`).toThrow('Invalid typed array length')
  }
})
