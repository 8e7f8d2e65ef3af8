import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
  webcrypto,
} from 'node:crypto'
import { cipherSuite } from './cipher-suite.js'
import { SUITES, type Suite } from './suites.js'
import { aad, INFO, tokenSuite, type Token } from './token.js'

/** The private half of a data key pair, in memory. */
export interface PrivateKey {
  suite: Suite
  /** DER SPKI of its public half, derived from it. */
  publicKey: Buffer
  /** The private key as HPKE takes it. */
  recipientKey: webcrypto.CryptoKey
  /** Returns a new buffer with the DER PKCS#8. Zero it after use. */
  toPkcs8: () => Buffer
}

// RFC 9935: `PrivateKeyInfo { 0, { ML-KEM-1024 }, OCTET STRING { [0] seed } }`; the seed follows.
const SEED_HEADER = Buffer.from('3054020100300b060960864801650304040304428040', 'hex')
const SEED_BYTES = 64

/**
 * Imports a private key (PKCS#8, DER) of the given suite.
 *
 * @throws TypeError if it is not a private key of the suite.
 */
export const importPrivateKey = (pkcs8: Uint8Array, suite: Suite): Promise<PrivateKey> =>
  suite === 'P-256' ? importP256(pkcs8) : importMlKem(pkcs8)

async function importP256(pkcs8: Uint8Array): Promise<PrivateKey> {
  const view = Buffer.from(pkcs8.buffer, pkcs8.byteOffset, pkcs8.length)
  const key = createPrivateKey({ key: view, format: 'der', type: 'pkcs8' })
  // KMS's PKCS#8 may lack the public half; node adds it.
  const toPkcs8 = () => key.export({ format: 'der', type: 'pkcs8' })
  const complete = toPkcs8()
  const ecdh = { name: 'ECDH', namedCurve: 'P-256' }
  try {
    // Extractable: the library guesses the sign of the public point of other keys.
    const recipientKey = await webcrypto.subtle.importKey('pkcs8', complete, ecdh, true, [
      'deriveBits',
    ])
    const publicKey = createPublicKey(key).export({ format: 'der', type: 'spki' })
    return { suite: 'P-256', publicKey, recipientKey, toPkcs8 }
  } finally {
    complete.fill(0)
  }
}

async function importMlKem(pkcs8: Uint8Array): Promise<PrivateKey> {
  const isSeed =
    pkcs8.length === SEED_HEADER.length + SEED_BYTES &&
    SEED_HEADER.equals(pkcs8.subarray(0, SEED_HEADER.length))
  if (!isSeed) throw new TypeError('not an ML-KEM-1024 private key with its seed only')
  const { kem } = await cipherSuite('ML-KEM-1024')
  const copy = Buffer.from(pkcs8)
  // This library takes the seed of FIPS 203, d ‖ z, as the input of DeriveKeyPair.
  const seed = new Uint8Array(copy.subarray(SEED_HEADER.length)).buffer
  const { publicKey, privateKey } = await kem.deriveKeyPair(seed)
  const encoded = Buffer.from(await kem.serializePublicKey(publicKey))
  return {
    suite: 'ML-KEM-1024',
    publicKey: Buffer.concat([SUITES['ML-KEM-1024'].spkiHeader, encoded]),
    recipientKey: privateKey,
    toPkcs8: () => Buffer.from(copy),
  }
}

/** Generates a pair: DER SPKI, and DER PKCS#8, which the caller zeroes. */
export async function generatePair(
  suite: Suite,
): Promise<{ publicKey: Buffer; privateKey: Buffer }> {
  if (suite === 'P-256')
    return generateKeyPairSync('ec', {
      namedCurve: 'P-256',
      publicKeyEncoding: { format: 'der', type: 'spki' },
      privateKeyEncoding: { format: 'der', type: 'pkcs8' },
    })
  const privateKey = Buffer.concat([SEED_HEADER, randomBytes(SEED_BYTES)])
  const { publicKey } = await importMlKem(privateKey)
  return { publicKey, privateKey }
}

/** Opens a single message of the key's pair. Throws if any part of it was altered. */
export async function openToken(
  { suite, recipientKey }: Pick<PrivateKey, 'suite' | 'recipientKey'>,
  token: Token,
  name: string,
): Promise<Uint8Array> {
  if (token.sequence !== undefined || tokenSuite(token) !== suite)
    throw new TypeError('not a single message to a key of this suite')
  const hpke = await cipherSuite(suite)
  const { kind, encapsulatedKey: enc, ciphertext } = token
  return new Uint8Array(
    await hpke.open({ recipientKey, enc, info: INFO }, ciphertext, aad(kind, name)),
  )
}
