import { Aes256Gcm, CipherSuite, DhkemP256HkdfSha256, HkdfSha256 } from '@hpke/core'
import type { DataKeyPair } from './data-key-pair.js'
import { aad, encodeToken, INFO, type Kind } from './token.js'

const suite = new CipherSuite({
  kem: new DhkemP256HkdfSha256(),
  kdf: new HkdfSha256(),
  aead: new Aes256Gcm(),
})

// DER SPKI of a P-256 key: a fixed header, then the uncompressed point.
const POINT = 65

/**
 * Seals a plaintext to a data key pair: HPKE base mode (RFC 9180), one message for each
 * encapsulation. Needs no AWS.
 *
 * @param name the entry's name, bound to the token where its kind is named.
 */
export async function seal(
  { publicKey, fingerprint }: DataKeyPair,
  kind: Kind,
  plaintext: Uint8Array,
  name = '',
): Promise<string> {
  const recipientPublicKey = await suite.kem.deserializePublicKey(publicKey.subarray(-POINT))
  const { enc, ct } = await suite.seal({ recipientPublicKey, info: INFO }, plaintext, aad(kind, name))
  return encodeToken({ kind, fingerprint, enc: new Uint8Array(enc), ciphertext: new Uint8Array(ct) })
}
