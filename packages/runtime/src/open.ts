import { createDecipheriv, createECDH, hash } from 'node:crypto'
import type { Failure } from './error.js'
import { hmac } from './hmac.js'

// RFC 9180: DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, AES-256-GCM, base mode, sequence number 0.
// LabeledExtract and LabeledExpand are HMACs over labels that begin with these suite ids. No
// output is longer than one block, so an expand is a single HMAC that ends with the counter 1.
const KEM = 'HPKE-v1KEM\0\x10'
const HPKE = 'HPKE-v1HPKE\0\x10\0\x01\0\x02'

/** How the SubjectPublicKeyInfo of every P-256 key begins (RFC 5480), the point's 04 included. */
const SPKI = 'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE'

/**
 * Opens one token; a named secret's `name` is bound by its seal. Throws a `Failure` if the token
 * names another data key pair, and whatever else for all that is wrong with it.
 */
export type Open = (token: string, name: string) => Buffer

/**
 * A data key pair's private key (PKCS#8, DER) as KMS unwraps it, made ready to open tokens.
 * The buffer is zeroed; the key lives on in OpenSSL's memory, behind the closure alone.
 */
export function importKey(pkcs8: Buffer): Open {
  const pair = createECDH('prime256v1')
  // RFC 5915: version 1, then the scalar as an octet string of 32 bytes; a public key may follow.
  const scalar = pkcs8.indexOf('\x02\x01\x01\x04\x20') + 5
  pair.setPrivateKey(pkcs8.subarray(scalar, scalar + 32))
  pkcs8.fill(0)
  // Derived, never read: a public key or a fingerprint that someone wrote down proves nothing.
  const publicKey = pair.getPublicKey()
  const fingerprint = hash('sha256', Buffer.from(SPKI + publicKey.toString('base64', 1), 'base64'))
  const schedule = ['\0', hmac('', HPKE, 'psk_id_hash'), hmac('', HPKE, 'info_hashunplugin-kms/v1'), '\x01']

  return (token, name) => {
    // kind 1 ‖ fingerprint 8 ‖ enc 65 ‖ ciphertext ‖ tag 16
    const bytes = Buffer.from(token.slice(7), 'base64url')
    const enc = bytes.subarray(9, 74)
    // Buffer decodes more than canonical base64url, OpenSSL more than uncompressed points.
    if (token !== 'kms:v1:' + bytes.toString('base64url') || enc[0] !== 4) throw token
    if (!fingerprint.startsWith(bytes.toString('hex', 1, 9))) {
      throw { code: 'PAIR_UNKNOWN', reason: 'sealed to another data key pair' } satisfies Failure
    }
    const dh = pair.computeSecret(enc)
    const shared = hmac(hmac('', KEM, 'eae_prk', dh), '\0\x20', KEM, 'shared_secret', enc, publicKey, '\x01')
    const secret = hmac(shared, HPKE, 'secret')
    const key = hmac(secret, '\0\x20', HPKE, 'key', ...schedule)
    const nonce = hmac(secret, '\0\x0c', HPKE, 'base_nonce', ...schedule).subarray(0, 12)
    const aead = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: 16 })
    aead.setAuthTag(bytes.subarray(-16))
    aead.setAAD(bytes[0] === 2 ? Buffer.from('\x02' + name) : bytes.subarray(0, 1))
    const plaintext = aead.update(bytes.subarray(74, -16))
    aead.final()
    return plaintext
  }
}
