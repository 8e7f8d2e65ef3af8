import { createDecipheriv, type ECDH } from 'node:crypto'
import { hmac, LATIN1 } from './hmac.js'

// RFC 9180, base mode: DHKEM(P-256, HKDF-SHA256) 0x0010, HKDF-SHA256 0x0001, AES-256-GCM 0x0002.
// These are "HPKE-v1" and the suite_id of the KEM and of HPKE (sections 4.1 and 5.1), with which the
// input of every LabeledExtract and LabeledExpand starts. No output is longer than a block of
// SHA-256, so LabeledExpand is a single HMAC: the length first, the counter 1 last.
const KEM = 'HPKE-v1KEM\0\x10'
const HPKE = 'HPKE-v1HPKE\0\x10\0\x01\0\x02'

/**
 * Returns the shared secret of an encapsulated key of 65 bytes (Decap, section 4.1). `publicKey` is
 * the recipient's, as a latin1 string. Throws if the encapsulated key is not a point of the curve.
 */
export const decapsulate = (pair: ECDH, publicKey: string, encapsulatedKey: Buffer): Buffer =>
  hmac(
    hmac('', KEM + 'eae_prk' + pair.computeSecret(encapsulatedKey).toString(LATIN1)),
    `\0\x20${KEM}shared_secret${encapsulatedKey.toString(LATIN1)}${publicKey}\x01`,
  )

/** Opens the only message of an encapsulation. Throws if any part of it was altered. */
export type OpenMessage = (
  encapsulatedKey: Buffer,
  aad: Buffer,
  ciphertext: Buffer,
  tag: Buffer,
) => Buffer

/** Returns a function that opens messages to this key pair. `publicKey` and `info` are latin1 strings. */
export function recipient(pair: ECDH, publicKey: string, info: string): OpenMessage {
  const labeledExtract = (labelAndIkm: string) => hmac('', HPKE + labelAndIkm).toString(LATIN1)
  const keyScheduleContext = `\0${labeledExtract('psk_id_hash')}${labeledExtract('info_hash' + info)}\x01`

  return (encapsulatedKey, aad, ciphertext, tag) => {
    const sharedSecret = decapsulate(pair, publicKey, encapsulatedKey)
    const secret = hmac(sharedSecret, HPKE + 'secret')
    const key = hmac(secret, `\0\x20${HPKE}key${keyScheduleContext}`)
    const nonce = hmac(secret, `\0\x0c${HPKE}base_nonce${keyScheduleContext}`).subarray(0, 12)
    // Without authTagLength, node accepts a tag of 4 bytes.
    const aead = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: 16 })
    const plaintext = aead.setAuthTag(tag).setAAD(aad).update(ciphertext)
    aead.final()
    return plaintext
  }
}
