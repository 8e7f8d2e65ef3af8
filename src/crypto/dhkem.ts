import { createECDH, type ECDH } from 'node:crypto'
import { labeledKdf, twoBytes } from './hpke.js'
import { SUITES } from './suites.js'

// DHKEM(P-256, HKDF-SHA256), RFC 9180, section 4.1. Its shared secrets, private keys and hashes have
// 32 bytes, and its public keys are uncompressed points of 65 bytes (section 7.1.1).
const { publicKeyBytes, hpke } = SUITES['P-256']
const SECRET_BYTES = 32
const EMPTY = Buffer.alloc(0)
const { labeledExtract, labeledExpand } = labeledKdf(
  hpke.hash,
  Buffer.concat([Buffer.from('KEM'), twoBytes(hpke.kem)]),
)

/** A shared secret, and the encapsulated key that lets the recipient compute it. */
export interface Encapsulation {
  sharedSecret: Uint8Array
  encapsulatedKey: Uint8Array
}

/**
 * Encapsulates a shared secret to a public key: Encap (RFC 9180, section 4.1).
 *
 * @param ephemeral a new key pair unless a test or a seed needs a certain one.
 * @throws an Error if the public key is not an uncompressed point of the curve (section 7.1.4).
 */
export function encapsulate(
  publicKey: Uint8Array,
  ephemeral: ECDH = generateKeyPair(),
): Encapsulation {
  checkForm(publicKey)
  const encapsulatedKey = ephemeral.getPublicKey()
  const dh = ephemeral.computeSecret(publicKey)
  return { encapsulatedKey, sharedSecret: extractAndExpand(dh, encapsulatedKey, publicKey) }
}

/** Returns a shared secret: Decap (section 4.1). Throws if the encapsulated key is not an uncompressed point. */
export function decapsulate(pair: ECDH, encapsulatedKey: Uint8Array): Buffer {
  checkForm(encapsulatedKey)
  const dh = pair.computeSecret(encapsulatedKey)
  return extractAndExpand(dh, encapsulatedKey, pair.getPublicKey())
}

/** Derives a key pair from at least 32 random bytes: DeriveKeyPair (section 7.1.3). */
export function deriveKeyPair(ikm: Uint8Array): ECDH {
  const prk = labeledExtract(EMPTY, 'dkp_prk', ikm)
  for (let counter = 0; counter < 256; counter++) {
    const candidate = labeledExpand(prk, 'candidate', Buffer.of(counter), SECRET_BYTES)
    if (isScalar(candidate)) return keyPairOf(candidate)
  }
  throw new RangeError('no private key can be derived')
}

// The order of P-256 (SP 800-186, section 3.2.1.3).
const ORDER = Buffer.from('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551', 'hex')

/** Checks whether 32 bytes are a private key: at least 1, and less than the order. */
export const isScalar = (bytes: Buffer) =>
  Buffer.compare(bytes, ORDER) < 0 && bytes.some((byte) => byte !== 0)

/** Returns the key pair of a private key of 32 bytes. Throws if they are not a private key. */
export function keyPairOf(scalar: Uint8Array): ECDH {
  const pair = createECDH('prime256v1')
  pair.setPrivateKey(scalar)
  return pair
}

function generateKeyPair(): ECDH {
  const pair = createECDH('prime256v1')
  pair.generateKeys()
  return pair
}

/** Checks the form of a point. OpenSSL accepts other ones too, and checks itself that it is on the curve. */
function checkForm(point: Uint8Array): void {
  if (point.length !== publicKeyBytes || point[0] !== 4)
    throw new TypeError('not an uncompressed point of P-256')
}

/** Returns the shared secret: ExtractAndExpand (section 4.1). */
function extractAndExpand(dh: Uint8Array, encapsulatedKey: Uint8Array, publicKey: Uint8Array) {
  const kemContext = Buffer.concat([encapsulatedKey, publicKey])
  const eaePrk = labeledExtract(EMPTY, 'eae_prk', dh)
  return labeledExpand(eaePrk, 'shared_secret', kemContext, SECRET_BYTES)
}
