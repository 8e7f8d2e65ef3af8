import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'

interface Vectors {
  keyGen: { tcId: number; seed: string; hashOfEncapsulationKey: string }[]
  encapsulation: {
    tcId: number
    randomness: string
    encapsulationKey: string
    hashOfCiphertext: string
    sharedSecret: string
  }[]
  decapsulation: {
    decapsulationKey: string
    tests: { tcId: number; ciphertext: string; sharedSecret: string; reason: string }[]
  }
  strcmp: { seed: string; ciphertext: string; sharedSecret: string }
}
const vectors = JSON.parse(
  readFileSync(new URL('ml-kem-vectors.json', import.meta.url), 'utf8'),
) as Vectors

/**
 * All vectors of NIST's ACVP for ML-KEM-1024 (github.com/usnistgov/ACVP-Server, ML-KEM-keyGen-FIPS203, as in
 * the tests of OpenSSL 3.5.4): the seed d ‖ z, and SHA3-256 of the encapsulation key. Earlier commits of
 * ACVP-Server have vectors of a draft.
 */
export const ACVP_KEYS = vectors.keyGen.map(({ seed, ...rest }) => ({
  ...rest,
  seed: Buffer.from(seed, 'hex'),
}))

/** All of ML-KEM-encapDecap-FIPS203, AFT: the randomness m, and SHA3-256 of the ciphertext. */
export const ACVP_ENCAPSULATION = vectors.encapsulation.map(
  ({ randomness, encapsulationKey, ...rest }) => ({
    ...rest,
    randomness: Buffer.from(randomness, 'hex'),
    encapsulationKey: Buffer.from(encapsulationKey, 'base64'),
  }),
)

/** All of ML-KEM-encapDecap-FIPS203, VAL: intact ciphertexts, and modified ones, which are rejected implicitly. */
export const ACVP_DECAPSULATION = {
  decapsulationKey: Buffer.from(vectors.decapsulation.decapsulationKey, 'base64'),
  tests: vectors.decapsulation.tests.map(({ ciphertext, ...rest }) => ({
    ...rest,
    ciphertext: Buffer.from(ciphertext, 'base64'),
  })),
}

/**
 * A vector of C2SP's Wycheproof (mlkem_1024_test.json at 08dbfd811067ca3411e6fe692d88d9d62283c973): a
 * ciphertext to reject, which a comparison up to the first zero byte accepts.
 */
export const STRCMP = {
  seed: Buffer.from(vectors.strcmp.seed, 'hex'),
  ciphertext: Buffer.from(vectors.strcmp.ciphertext, 'base64'),
  sharedSecret: vectors.strcmp.sharedSecret,
}

/** The SHAKE-128 hash of 10,000 tests of ML-KEM-1024. BoringSSL computes the same for FIPS 203. */
export const ACCUMULATED = 'e3bf82b013307b2e9d47dde791ff6dfc82e694e6382404abdb948b908b75bad5'

/** One test: the inputs of KeyGen (d ‖ z), of Encaps, and a ciphertext for Decaps that is not valid. */
export interface Inputs {
  seed: Buffer
  message: Buffer
  ciphertext: Buffer
}

/** The results of one test. `rejected` is the secret of the ciphertext that is not valid. */
export interface Results {
  encapsulationKey: Uint8Array
  decapsulationKey: Uint8Array
  ciphertext: Uint8Array
  sharedSecret: Uint8Array
  rejected: Uint8Array
}

/**
 * Runs tests with the inputs of the accumulated vectors (c2sp.org/CCTV/ML-KEM), and returns the hash
 * of their results. It covers rejected ciphertexts as well as valid ones.
 */
export async function accumulate(
  count: number,
  run: (inputs: Inputs) => Promise<Results> | Results,
): Promise<string> {
  const random = createHash('shake128', { outputLength: count * (3 * 32 + 1568) }).digest()
  const results = createHash('shake128', { outputLength: 32 })
  let offset = 0
  const next = (length: number) => random.subarray(offset, (offset += length))
  for (let index = 0; index < count; index++) {
    const one = await run({ seed: next(64), message: next(32), ciphertext: next(1568) })
    results.update(one.encapsulationKey).update(one.decapsulationKey).update(one.ciphertext)
    results.update(one.sharedSecret).update(one.rejected)
  }
  return results.digest('hex')
}
