import { ml_kem1024 } from '@noble/post-quantum/ml-kem.js'
import { createHash } from 'node:crypto'
import { createRequire } from 'node:module'
import { expect, it } from 'vitest'
import {
  ACCUMULATED,
  accumulate,
  ACVP_DECAPSULATION,
  ACVP_ENCAPSULATION,
  ACVP_KEYS,
  STRCMP,
  type Inputs,
} from '../../packages/runtime/test/ml-kem-vectors.js'
import { keySchedule, SenderContext } from '../../src/crypto/hpke.js'
import { encapsulate, exact, loadMlKem } from '../../src/crypto/ml-kem.js'
import { importPrivateKey } from '../../src/crypto/private-key.js'
import { checkPublicKey, publicKeyBytes, SUITES } from '../../src/crypto/suites.js'
import { triesAll } from '../support/combinations.js'

const kem = await loadMlKem()
const hex = (digits: string) => Buffer.from(digits, 'hex')

const reference = ({ seed, message, ciphertext }: Inputs) => {
  const { publicKey, secretKey } = ml_kem1024.keygen(seed)
  const { cipherText, sharedSecret } = ml_kem1024.encapsulate(publicKey, message)
  return {
    encapsulationKey: publicKey,
    decapsulationKey: secretKey,
    ciphertext: cipherText,
    sharedSecret,
    rejected: ml_kem1024.decapsulate(ciphertext, secretKey),
  }
}

/** The library that seals, with the decapsulation key of the reference, which the library does not export. */
async function library(inputs: Inputs) {
  const { publicKey, privateKey } = await kem.deriveKeyPair(exact(inputs.seed))
  const { enc, sharedSecret } = await kem.encap({
    recipientPublicKey: publicKey,
    ekm: exact(inputs.message),
  })
  const decap = async (bytes: ArrayBuffer) =>
    new Uint8Array(await kem.decap({ recipientKey: privateKey, enc: bytes }))
  expect(await decap(enc)).toEqual(new Uint8Array(sharedSecret))
  return {
    encapsulationKey: new Uint8Array(await kem.serializePublicKey(publicKey)),
    decapsulationKey: ml_kem1024.keygen(inputs.seed).secretKey,
    ciphertext: new Uint8Array(enc),
    sharedSecret: new Uint8Array(sharedSecret),
    rejected: await decap(exact(inputs.ciphertext)),
  }
}

it.each(ACVP_KEYS)('derives the key of the ACVP vector $tcId from its seed', async (vector) => {
  const header = Buffer.from('3054020100300b060960864801650304040304428040', 'hex')
  const { publicKey } = await importPrivateKey(Buffer.concat([header, vector.seed]), 'ML-KEM-1024')
  const hash = createHash('sha3-256').update(publicKeyBytes(publicKey)).digest('hex')
  expect(hash).toBe(vector.hashOfEncapsulationKey)
})

it.each(ACVP_ENCAPSULATION)('encapsulates the ACVP vector $tcId', async (vector) => {
  const { encapsulationKey, randomness } = vector
  const { encapsulatedKey, sharedSecret } = await encapsulate(encapsulationKey, randomness)
  const hash = createHash('sha3-256').update(encapsulatedKey).digest('hex')
  expect(hash).toBe(vector.hashOfCiphertext)
  expect(Buffer.from(sharedSecret).toString('hex')).toBe(vector.sharedSecret)
})

it.each(ACVP_DECAPSULATION.tests)(
  'decapsulates the ACVP vector $tcId: $reason',
  async ({ ciphertext, sharedSecret }) => {
    // What @hpke/ml-kem calls: it takes the expanded decapsulation key, and not only a seed.
    const require = createRequire(createRequire(import.meta.url).resolve('@hpke/ml-kem'))
    const { MlKem1024 } = require('mlkem') as { MlKem1024: new () => Decapsulator }
    const key = Uint8Array.from(ACVP_DECAPSULATION.decapsulationKey)
    const secret = await new MlKem1024().decap(Uint8Array.from(ciphertext), key)
    expect(Buffer.from(secret).toString('hex')).toBe(sharedSecret)
  },
)

interface Decapsulator {
  decap(ciphertext: Uint8Array, decapsulationKey: Uint8Array): Promise<Uint8Array>
}

it('rejects a ciphertext that differs only after a zero byte', async () => {
  const { privateKey } = await kem.deriveKeyPair(exact(STRCMP.seed))
  const secret = await kem.decap({ recipientKey: privateKey, enc: exact(STRCMP.ciphertext) })
  expect(Buffer.from(secret).toString('hex')).toBe(STRCMP.sharedSecret)
})

// FIPS 203, section 7.2: Wycheproof's vectors named ModulusOverflow alter one coefficient each too.
it.each([3329, 4095])('rejects a public key in which any coefficient is %i', async (value) => {
  const { spkiHeader } = SUITES['ML-KEM-1024']
  const { publicKey } = ml_kem1024.keygen(ACVP_KEYS[0]!.seed)
  for (let index = 0; index < 1024; index++) {
    const key = Buffer.from(publicKey)
    const at = (index >> 1) * 3
    const pair = key.readUIntLE(at, 3)
    const isFirst = index % 2 === 0
    key.writeUIntLE(isFirst ? (pair & 0xfff000) | value : (pair & 0xfff) | (value << 12), at, 3)
    expect(checkPublicKey(Buffer.concat([spkiHeader, key]))).toBeUndefined()
    await expect(encapsulate(key)).rejects.toThrow()
  }
  expect(checkPublicKey(Buffer.concat([spkiHeader, publicKey]))).toBe('ML-KEM-1024')
})

// draft-ietf-hpke-pq-05, A.3: ML-KEM-1024, HKDF-SHA384, AES-256-GCM.
it('seals the messages of draft-ietf-hpke-pq-05, A.3', async () => {
  const seed =
    '73a9ffe155d39edcc023b11171ad6cf541ff85eff68c33b521ba25cbb1b7079bf848b63f5b8ca53f809255b51f1bef24b342d706a77cb460981e16b2ce737552'
  const header = '3054020100300b060960864801650304040304428040'
  const privateKey = await importPrivateKey(hex(header + seed), 'ML-KEM-1024')
  const { encapsulatedKey, sharedSecret } = await encapsulate(
    publicKeyBytes(privateKey.publicKey),
    hex('54e68c4d0f72b94d956acf637c23570e505db5c08c0068bd136cacbc7dedda89'),
  )
  expect(Buffer.from(sharedSecret).toString('hex')).toBe(
    'ef4fb9e654c1f7cfe66da7f2d0ed39429067dfdf3b65723ae941221177f55552',
  )
  expect(await privateKey.decapsulate(encapsulatedKey)).toEqual(sharedSecret)
  const info = hex(
    '34663634363532303666366532303631323034373732363536333639363136653230353537323665',
  )
  const schedule = keySchedule(SUITES['ML-KEM-1024'].hpke, sharedSecret, info)
  expect(schedule.key.toString('hex')).toBe(
    '85147d20f1ff72eb9a5d3de9a3c920ab0cac7b00300e6b07a7f53b87ef07e1b0',
  )
  expect(schedule.baseNonce.toString('hex')).toBe('75437389e6da148fdcaa309d')
  const sender = new SenderContext(schedule)
  const plaintext = hex(
    '34323635363137353734373932303639373332303734373237353734363832633230373437323735373436383230363236353631373537343739',
  )
  for (const [sequence, ciphertext] of [
    '9d16979cb9ac997886c0ec51ed2c049d7ec53b369467026157ef061af23695b996e1893afd2173c310546859e82eea9c16e0a1363bc994f2ff708e5d60089c1b233f38ce6a7fbd176744',
    '36ac3e4d4b5709eb863f6cd257f046b2f36077a010952a9e2811494adc95667674880e672d9cf1fa4e9e55245d22ca553c86a60cce2714108ba52865dc4addd1025c69b3206598f78903',
    '4e9c9424c210f9cc0d2dd090bb44a022de0b52d3e475d6c4371104f2da02e4a5bc40e993d71f13e36d0b94a730e62198bd73195d688e68ca37dc4fc1cf6f0796e701ca7752204ba806be',
  ].entries())
    expect(sender.seal(plaintext, Buffer.from(`Count-${sequence}`)).toString('hex')).toBe(
      ciphertext,
    )
})

it('generates, encapsulates and decapsulates as the reference does', async () => {
  expect(await accumulate(100, library)).toBe(await accumulate(100, reference))
})

// A minute or more of CPU time: npm run test:matrix.
it.runIf(triesAll)(
  'has the hash of 10,000 accumulated vectors',
  async () => {
    expect(await accumulate(10_000, library)).toBe(ACCUMULATED)
  },
  600_000,
)
