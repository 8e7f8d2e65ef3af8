import { createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto'
import { decapsulate, keyPairOf } from './dhkem.js'
import { keySchedule, open } from './hpke.js'
import { exact, loadMlKem } from './ml-kem.js'
import { SUITES, type Suite } from './suites.js'
import { aad, INFO, tokenSuite, type Token } from './token.js'

/** The private half of a data key pair, in memory. */
export interface PrivateKey {
  suite: Suite
  /** DER SPKI of its public half, derived from it. */
  publicKey: Buffer
  /** Returns the shared secret of an encapsulated key. */
  decapsulate: (encapsulatedKey: Uint8Array) => Promise<Uint8Array>
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

// RFC 5915: `ECPrivateKey { 1, OCTET STRING (32), … }`; the private key follows.
const SEC1_HEADER_BYTES = 7

async function importP256(pkcs8: Uint8Array): Promise<PrivateKey> {
  const view = Buffer.from(pkcs8.buffer, pkcs8.byteOffset, pkcs8.length)
  const key = createPrivateKey({ key: view, format: 'der', type: 'pkcs8' })
  if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1')
    throw new TypeError('not a private key of P-256')
  const sec1 = key.export({ format: 'der', type: 'sec1' })
  try {
    const pair = keyPairOf(sec1.subarray(SEC1_HEADER_BYTES, SEC1_HEADER_BYTES + 32))
    const publicKey = Buffer.concat([SUITES['P-256'].spkiHeader, pair.getPublicKey()])
    // OpenSSL takes the public key that the PKCS#8 contains, which may belong to another pair.
    if (!createPublicKey(key).export({ format: 'der', type: 'spki' }).equals(publicKey))
      throw new TypeError('not the public key of this private key')
    return {
      suite: 'P-256',
      publicKey,
      decapsulate: async (encapsulatedKey) => decapsulate(pair, encapsulatedKey),
      // KMS's PKCS#8 may lack the public half; node adds it.
      toPkcs8: () => key.export({ format: 'der', type: 'pkcs8' }),
    }
  } finally {
    sec1.fill(0)
  }
}

async function importMlKem(pkcs8: Uint8Array): Promise<PrivateKey> {
  const isSeed =
    pkcs8.length === SEED_HEADER.length + SEED_BYTES &&
    SEED_HEADER.equals(pkcs8.subarray(0, SEED_HEADER.length))
  if (!isSeed) throw new TypeError('not an ML-KEM-1024 private key with its seed only')
  const kem = await loadMlKem()
  const copy = Buffer.from(pkcs8)
  // This library takes the seed of FIPS 203, d ‖ z, as the input of DeriveKeyPair.
  const seed = exact(copy.subarray(SEED_HEADER.length))
  const { publicKey, privateKey: recipientKey } = await kem.deriveKeyPair(seed)
  const encoded = Buffer.from(await kem.serializePublicKey(publicKey))
  return {
    suite: 'ML-KEM-1024',
    publicKey: Buffer.concat([SUITES['ML-KEM-1024'].spkiHeader, encoded]),
    decapsulate: async (enc) => new Uint8Array(await kem.decap({ recipientKey, enc: exact(enc) })),
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
  { suite, decapsulate }: Pick<PrivateKey, 'suite' | 'decapsulate'>,
  token: Token,
  name: string,
): Promise<Uint8Array> {
  if (token.sequence !== undefined || tokenSuite(token) !== suite)
    throw new TypeError('not a single message to a key of this suite')
  const { kind, encapsulatedKey, ciphertext } = token
  const sharedSecret = await decapsulate(encapsulatedKey)
  return open(keySchedule(SUITES[suite].hpke, sharedSecret, INFO), ciphertext, aad(kind, name))
}
