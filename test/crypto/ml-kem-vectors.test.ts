import { ml_kem1024 } from '@noble/post-quantum/ml-kem.js'
import { createHash } from 'node:crypto'
import { expect, it } from 'vitest'
import {
  ACCUMULATED,
  ACVP_KEY,
  accumulate,
  type Inputs,
} from '../../packages/runtime/test/ml-kem-vectors.js'
import { exact, loadMlKem } from '../../src/crypto/ml-kem.js'
import { importPrivateKey } from '../../src/crypto/private-key.js'
import { publicKeyBytes } from '../../src/crypto/suites.js'
import { triesAll } from '../support/combinations.js'

const kem = await loadMlKem()

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

it('derives the encapsulation key of the ACVP vector from its seed', async () => {
  const header = Buffer.from('3054020100300b060960864801650304040304428040', 'hex')
  const { publicKey } = await importPrivateKey(
    Buffer.concat([header, ACVP_KEY.seed]),
    'ML-KEM-1024',
  )
  const hash = createHash('sha3-256').update(publicKeyBytes(publicKey)).digest('hex')
  expect(hash).toBe(ACVP_KEY.hashOfEncapsulationKey)
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
