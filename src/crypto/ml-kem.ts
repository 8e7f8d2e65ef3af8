import type { MlKem1024 } from '@hpke/ml-kem'
import type { Encapsulation } from './dhkem.js'

let loaded: Promise<MlKem1024> | undefined

/** Loads the library of ML-KEM-1024 when it is first used: few pairs are of that suite. */
export const loadMlKem = (): Promise<MlKem1024> =>
  (loaded ??= import('@hpke/ml-kem').then(({ MlKem1024 }) => new MlKem1024()))

/**
 * Encaps (FIPS 203, section 7.2).
 *
 * @param randomness the 32 bytes that are encapsulated; random ones by default.
 */
export async function encapsulate(
  publicKey: Uint8Array,
  randomness?: Uint8Array,
): Promise<Encapsulation> {
  const kem = await loadMlKem()
  const recipientPublicKey = await kem.deserializePublicKey(exact(publicKey))
  const ekm = randomness && exact(randomness)
  const { enc, sharedSecret } = await kem.encap({ recipientPublicKey, ...(ekm && { ekm }) })
  return { sharedSecret: new Uint8Array(sharedSecret), encapsulatedKey: new Uint8Array(enc) }
}

/** Copies bytes out of Node's buffer pool: the library reads the complete ArrayBuffer. */
export const exact = (bytes: Uint8Array): ArrayBuffer => new Uint8Array(bytes).buffer
