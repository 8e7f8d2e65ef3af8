import { createDecipheriv, type ECDH } from 'node:crypto'
import { hmac, LATIN1 } from './hmac.js'

// RFC 9180, base mode: DHKEM(P-256, HKDF-SHA256) 0x0010, HKDF-SHA256 0x0001, AES-256-GCM 0x0002.
// LabeledExtract and LabeledExpand are HMACs over one of these and a label. No output is longer
// than a block, so an expand is a single HMAC: the length first, the counter 1 last.
const KEM = 'HPKE-v1KEM\0\x10'
const HPKE = 'HPKE-v1HPKE\0\x10\0\x01\0\x02'

/**
 * Gives the shared secret behind an `enc` of 65 bytes. `publicKey` is the pair's own, with a character
 * a byte (latin1). Throws for what is no point of the curve.
 */
export const decapsulate = (pair: ECDH, publicKey: string, enc: Buffer): Buffer =>
  hmac(
    hmac('', KEM + 'eae_prk' + pair.computeSecret(enc).toString(LATIN1)),
    `\0\x20${KEM}shared_secret${enc.toString(LATIN1)}${publicKey}\x01`,
  )

/** Opens the one message of an encapsulation. Throws if anything of it was altered. */
export type OpenMessage = (enc: Buffer, aad: Buffer, ciphertext: Buffer, tag: Buffer) => Buffer

/** `publicKey` and `info` have a character a byte (latin1). */
export function recipient(pair: ECDH, publicKey: string, info: string): OpenMessage {
  const digest = (text: string) => hmac('', HPKE + text).toString(LATIN1)
  const schedule = `\0${digest('psk_id_hash')}${digest('info_hash' + info)}\x01`

  return (enc, aad, ciphertext, tag) => {
    const secret = hmac(decapsulate(pair, publicKey, enc), HPKE + 'secret')
    const key = hmac(secret, `\0\x20${HPKE}key${schedule}`)
    const nonce = hmac(secret, `\0\x0c${HPKE}base_nonce${schedule}`).subarray(0, 12)
    // Without its length, node takes a tag of 4 bytes as well.
    const aead = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: 16 })
    const plaintext = aead.setAuthTag(tag).setAAD(aad).update(ciphertext)
    aead.final()
    return plaintext
  }
}
