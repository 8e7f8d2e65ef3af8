import { createDecipheriv, createECDH } from 'node:crypto'
import { fail } from './error.js'
import { hmac, sha256 } from './hash.js'

// RFC 9180: DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, AES-256-GCM, base mode, sequence number 0.
// LabeledExtract and LabeledExpand are HMACs over labels that begin with these suite ids. No
// output is longer than one block, so an expand is a single HMAC that ends with the counter 1.
const KEM = 'HPKE-v1KEM\0\x10'
const HPKE = 'HPKE-v1HPKE\0\x10\0\x01\0\x02'

/** Opens one token; a named secret's `name` is bound by its seal. Throws whatever crypto throws. */
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
  // Derived, never read: a public key or fingerprint that someone wrote down proves nothing.
  const publicKey = pair.getPublicKey()
  const spki = Buffer.concat([Buffer.from('3059301306072a8648ce3d020106082a8648ce3d030107034200', 'hex'), publicKey])
  const fingerprint = sha256(spki).slice(0, 16)
  const schedule = Buffer.concat([Buffer.alloc(1), hmac('', HPKE, 'psk_id_hash'), hmac('', HPKE, 'info_hashunplugin-kms/v1')])

  return (token, name) => {
    // kind 1 ‖ fingerprint 8 ‖ enc 65 ‖ ciphertext ‖ tag 16, in canonical base64url.
    const bytes = Buffer.from(token.slice(7), 'base64url')
    const enc = bytes.subarray(9, 74)
    // Buffer decodes what is no base64url too, and OpenSSL takes points in other forms.
    if (token !== `kms:v1:${bytes.toString('base64url')}` || enc[0] !== 4) throw token
    if (bytes.toString('hex', 1, 9) !== fingerprint) fail('PAIR_UNKNOWN', 'sealed to another data key pair')

    const dh = pair.computeSecret(enc)
    const shared = hmac(hmac('', KEM, 'eae_prk', dh), '\0\x20', KEM, 'shared_secret', enc, publicKey, '\x01')
    const secret = hmac(shared, HPKE, 'secret')
    const key = hmac(secret, '\0\x20', HPKE, 'key', schedule, '\x01')
    const nonce = hmac(secret, '\0\x0c', HPKE, 'base_nonce', schedule, '\x01').subarray(0, 12)
    const aead = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: 16 })
    aead.setAuthTag(bytes.subarray(-16))
    aead.setAAD(Buffer.concat([bytes.subarray(0, 1), Buffer.from(bytes[0] === 2 ? name : '')]))
    const plaintext = aead.update(bytes.subarray(74, -16))
    aead.final()
    return plaintext
  }
}
