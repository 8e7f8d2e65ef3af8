import { createHash } from 'node:crypto'

/**
 * A vector of NIST's ACVP for ML-KEM-1024 (ML-KEM-keyGen-FIPS203, tcId 75, github.com/usnistgov/ACVP-Server
 * at a9496ad1031556369a9d2c1f20371ff2f50783c0): the seed d ‖ z, and SHA3-256 of the encapsulation key, which
 * FIPS 203 stores in the decapsulation key.
 */
export const ACVP_KEY = {
  seed: Buffer.from(
    'f7d7a6f3741e6b5b20cea69f633db4f50342d478ff46f9bdcae3d749451880878209c8e0d7a8e899b0c8b2fe33996eed0d343291fee2bcc0b77d9b5db71c24d2',
    'hex',
  ),
  hashOfEncapsulationKey: '65774f16395d73c56719d9ae1f12374cd70dcc17eef7a0f4f097e43e991160cc',
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
