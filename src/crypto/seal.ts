import { createHmac } from 'node:crypto'
import type { CipherSuite } from '@hpke/core'
import type { DataKeyPair } from './data-key-pair.js'
import { aad, encodeToken, INFO, type Kind } from './token.js'

let loaded: Promise<CipherSuite> | undefined

/** Loaded by the first seal: a build whose secrets are sealed already does not pay for it. */
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
 * Seals a plaintext to a data key pair: HPKE base mode (RFC 9180), one message for each
 * encapsulation. Needs no AWS.
 *
 * @param name the entry's name, bound to the token where its kind is named.
 * @param seed 32 secret bytes or more: equal plaintexts then give equal tokens, and who holds the
 *   seed can test guesses. Absent, each token is fresh.
 */
export async function seal(
  { publicKey, fingerprint }: DataKeyPair,
  kind: Kind,
  plaintext: Uint8Array,
  name = '',
  seed?: Uint8Array,
): Promise<string> {
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
  return encodeToken({
    kind,
    fingerprint,
    enc: new Uint8Array(enc),
    ciphertext: new Uint8Array(ct),
  })
}

/**
 * The input of DeriveKeyPair for the ephemeral key: a MAC over all that the message is made of, so
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

// Not a slice of Node's pool: the library reads the whole ArrayBuffer.
const bytesOf = (buffer: Buffer) => new Uint8Array(buffer).buffer
