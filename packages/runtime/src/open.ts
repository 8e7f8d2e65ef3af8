import { createDecipheriv, createECDH, hash } from 'node:crypto'
import type { Failure } from './error.js'
import { LATIN1 } from './hmac.js'
import { recipient, type KeySchedule } from './hpke.js'

/**
 * A private key after its import: the SHA-256 of the public key (SubjectPublicKeyInfo, in hex), which
 * the fingerprint of the pair is the beginning of, and the key schedules of messages to the key.
 */
export type ImportedKey = [digest: string, scheduleOf: KeySchedule]

/**
 * Opens one token. A named secret is sealed with its name, so it opens with that name only. Throws a
 * `Failure` if the token was sealed to another data key pair, and something else if it is invalid.
 */
export type Open = (key: ImportedKey, token: string, name: string) => Buffer

/**
 * Imports the private key of a data key pair (PKCS#8, DER), as KMS unwraps it. Zeroes the buffer: only
 * a closure still refers to the key, in the memory of OpenSSL. Throws a `Failure` if the buffer is not
 * a private key.
 */
export function importKey(pkcs8: Buffer): ImportedKey {
  const pair = createECDH('prime256v1')
  // RFC 5915: version 1, then the scalar as an octet string of 32 bytes; a public key may follow.
  const scalar = pkcs8.indexOf('\x02\x01\x01\x04\x20') + 5
  try {
    // If no scalar was found, pass none: OpenSSL accepts any few bytes as one.
    pair.setPrivateKey(pkcs8.subarray(scalar, scalar > 4 ? scalar + 32 : 0))
  } catch {
    throw { code: 'OPEN_FAILED', why: 'not a private key' } satisfies Failure
  }
  const publicKey = pair.getPublicKey(LATIN1)
  // The digest is derived from the private key: a public key in the input cannot be trusted. The
  // AlgorithmIdentifier of the SubjectPublicKeyInfo (RFC 5480) is that of the PKCS#8.
  const algorithm = pkcs8.toString(LATIN1, scalar - 30, scalar - 9)
  const spki = `\x30\x59${algorithm}\x03\x42\0${publicKey}`
  pkcs8.fill(0)
  return [hash('sha256', Buffer.from(spki, LATIN1)), recipient(pair, publicKey, 'unplugin-kms/v1')]
}

/** Opens a token that is a single message: an entry of a secrets file, or a value without a name. */
export const openMessage: Open = ([digest, scheduleOf], token, name) => {
  // kind 1 ‖ fingerprint 8 ‖ encapsulated key 65 ‖ ciphertext ‖ tag 16
  const bytes = Buffer.from(token.slice(7), 'base64url')
  // Buffer also decodes non-canonical base64url, and OpenSSL compressed and hybrid points.
  if (token !== 'kms:v1:' + bytes.toString('base64url') || bytes[9] !== 4) throw 0
  // -1, or a later offset: the digest does not begin with this fingerprint.
  if (digest.indexOf(bytes.toString('hex', 1, 9))) {
    throw { code: 'PAIR_UNKNOWN', why: 'of another data key pair' } satisfies Failure
  }
  // Without authTagLength, node accepts a tag of 4 bytes.
  const aead = createDecipheriv('aes-256-gcm', ...scheduleOf(bytes.subarray(9, 74)), {
    authTagLength: 16,
  })
    .setAuthTag(bytes.subarray(-16))
    .setAAD(bytes[0] === 2 ? Buffer.from('\x02' + name) : bytes.subarray(0, 1))
  const plaintext = aead.update(bytes.subarray(74, -16))
  aead.final()
  return plaintext
}
