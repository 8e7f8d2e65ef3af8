// @ts-check
import { ml_kem1024 } from '@noble/post-quantum/ml-kem.js'
import { createCipheriv, createHash, createHmac, hkdfSync, randomBytes } from 'node:crypto'

// RFC 9935: the SubjectPublicKeyInfo and the seed-only PrivateKeyInfo of ML-KEM-1024.
const SPKI = Buffer.from('30820632300b06096086480165030404030382062100', 'hex')
const PKCS8 = Buffer.from('3054020100300b060960864801650304040304428040', 'hex')

/** The suite byte of tokens, and the KEM id of HPKE. */
export const ML_KEM_1024 = 0x42

/**
 * @param {Uint8Array} [seed] 64 bytes
 * @returns {import('./sealer.mjs').DataKeyPair}
 */
export function newMlKemPair(seed = randomBytes(64)) {
  const { publicKey } = ml_kem1024.keygen(seed)
  return { spki: Buffer.concat([SPKI, publicKey]), pkcs8: Buffer.concat([PKCS8, seed]) }
}

/**
 * Encapsulates, and derives the key schedule by node's own HKDF: nothing of the code under test.
 *
 * @param {Uint8Array} spki
 * @param {string | Uint8Array} [info]
 * @param {Uint8Array} [randomness] 32 bytes
 */
export function encapsulate(spki, info = 'unplugin-kms/v1', randomness = randomBytes(32)) {
  const publicKey = Uint8Array.from(spki.subarray(SPKI.length))
  const { cipherText, sharedSecret } = ml_kem1024.encapsulate(publicKey, randomness)
  const suite = Buffer.from('HPKE\0\x42\0\x02\0\x02')
  const labeled = (/** @type {string} */ label) =>
    Buffer.concat([Buffer.from('HPKE-v1'), suite, Buffer.from(label)])
  const extract = (/** @type {string} */ label, /** @type {Uint8Array} */ ikm) =>
    createHmac('sha384', '').update(labeled(label)).update(ikm).digest()
  const context = [
    Buffer.of(0),
    extract('psk_id_hash', Buffer.alloc(0)),
    extract('info_hash', Buffer.from(info)),
  ]
  const expand = (/** @type {string} */ label, /** @type {number} */ length) =>
    Buffer.from(
      hkdfSync(
        'sha384',
        labeled('secret'),
        sharedSecret,
        Buffer.concat([Buffer.of(0, length), labeled(label), ...context]),
        length,
      ),
    )
  return {
    enc: Buffer.from(cipherText),
    sharedSecret,
    key: expand('key', 32),
    baseNonce: expand('base_nonce', 12),
  }
}

/**
 * Seals one message of an encapsulation.
 *
 * @param {{ key: Buffer, baseNonce: Buffer }} schedule
 * @param {number} sequence
 * @param {string | Uint8Array} plaintext
 * @param {Uint8Array} aad
 */
export function sealMessage({ key, baseNonce }, sequence, plaintext, aad) {
  const nonce = Buffer.from(baseNonce)
  nonce.writeUInt32BE((nonce.readUInt32BE(8) ^ sequence) >>> 0, 8)
  const aead = createCipheriv('aes-256-gcm', key, nonce).setAAD(aad)
  return Buffer.concat([aead.update(Buffer.from(plaintext)), aead.final(), aead.getAuthTag()])
}

/**
 * Seals tokens to an ML-KEM pair. Those of a build (kinds 4 and 6) have one encapsulation. Even kinds are
 * bound to the name.
 *
 * @param {Uint8Array} spki
 * @param {{ kind: number, name?: string, plaintext: string | Uint8Array }[]} messages
 */
export function sealMlKem(spki, messages) {
  const fingerprint = createHash('sha256').update(spki).digest().subarray(0, 8)
  const shared = encapsulate(spki)
  return messages.map(({ kind, name = '', plaintext }, index) => {
    const schedule = kind > 3 ? shared : encapsulate(spki)
    const sequence = kind > 3 ? index : 0
    const aad = Buffer.concat([Buffer.of(kind), Buffer.from(kind % 2 ? '' : name)])
    const number = Buffer.alloc(4)
    number.writeUInt32BE(sequence)
    return `kms:v2:${Buffer.concat([
      Buffer.of(kind),
      fingerprint,
      Buffer.of(ML_KEM_1024),
      schedule.enc,
      ...(kind > 3 ? [number] : []),
      sealMessage(schedule, sequence, plaintext, aad),
    ]).toString('base64url')}`
  })
}
