import { createHmac } from 'node:crypto'
import type { CipherSuite } from '@hpke/core'
import type { DataKeyPair } from './data-key-pair.js'
import { aad, encodeToken, INFO, type Kind, type Token } from './token.js'

let loaded: Promise<CipherSuite> | undefined

/** Loads the cipher suite at the first seal: most builds with a secrets file never seal. */
async function loadSuite() {
  const { Aes256Gcm, CipherSuite, DhkemP256HkdfSha256, HkdfSha256 } = await import('@hpke/core')
  return new CipherSuite({
    kem: new DhkemP256HkdfSha256(),
    kdf: new HkdfSha256(),
    aead: new Aes256Gcm(),
  })
}

// DER SPKI of a P-256 key: a fixed header, then the uncompressed point.
const POINT = 65

/**
 * Seals a plaintext to a data key pair: HPKE base mode (RFC 9180), one message per encapsulation.
 * Needs no AWS.
 *
 * @param name the entry's name, bound to a token of kind named.
 * @param seed at least 32 secret bytes. Equal plaintexts then get equal tokens, and anybody who has
 *   the seed can test guesses. Without a seed every token is fresh.
 */
export async function seal(
  { publicKey, fingerprint }: DataKeyPair,
  kind: Kind,
  plaintext: Uint8Array,
  name = '',
  seed?: Uint8Array,
): Promise<Token> {
  const suite = await (loaded ??= loadSuite())
  const recipientPublicKey = await suite.kem.deserializePublicKey(publicKey.subarray(-POINT))
  const bound = aad(kind, name)
  const ephemeral = seed && {
    ekm: await suite.kem.deriveKeyPair(bytesOf(ikm(seed, publicKey, bound, plaintext))),
  }
  const { enc, ct } = await suite.seal(
    { recipientPublicKey, info: INFO, ...ephemeral },
    plaintext,
    bound,
  )
  return {
    kind,
    fingerprint,
    encapsulatedKey: new Uint8Array(enc),
    ciphertext: new Uint8Array(ct),
  }
}

/** Returns the string of a new token; see `seal`. */
export const sealToText = async (...parameters: Parameters<typeof seal>): Promise<string> =>
  encodeToken(await seal(...parameters))

/**
 * Returns the input of DeriveKeyPair for the ephemeral key: a MAC over everything in the message, so
 * that no two different messages share a key and nonce. Each part is preceded by its length.
 */
function ikm(
  seed: Uint8Array,
  publicKey: Uint8Array,
  bound: Uint8Array,
  plaintext: Uint8Array,
): Buffer {
  const mac = createHmac('sha256', seed).update('unplugin-kms/v1 ikm')
  for (const part of [publicKey, INFO, bound, plaintext]) {
    const length = Buffer.alloc(4)
    length.writeUInt32BE(part.length)
    mac.update(length).update(part)
  }
  return mac.digest()
}

// Copied out of Node's buffer pool: the library reads the complete ArrayBuffer.
const bytesOf = (buffer: Buffer) => new Uint8Array(buffer).buffer
