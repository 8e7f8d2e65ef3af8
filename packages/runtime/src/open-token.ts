import { createDecipheriv } from 'node:crypto'
import type { Failure } from './error.js'
import type { Schedule } from './hpke.js'
import { LATIN1 } from './hmac.js'
import type { Open } from './open.js'

/** By the byte after the fingerprint: the version, and where the encapsulated key begins and ends. */
const SUITES: Record<number, [version: 1 | 2, start: number, end: number]> = {
  // P-256: the byte is the first one of an uncompressed point.
  0x04: [1, 9, 74],
  // ML-KEM-1024: the last byte of its KEM id in HPKE.
  0x42: [2, 10, 1578],
}

/** Key schedules of the encapsulations of builds, each of which has many messages. */
const schedules: Record<string, Schedule> = {}

/**
 * Opens a token of any kind and suite. Tokens of an even kind open with the name only that they were
 * sealed with: entries of a secrets file (2), and values that a build sealed (4 and 6).
 */
export const openToken: Open = ([digest, scheduleOf], token, name) => {
  // kind 1 ‖ fingerprint 8 ‖ [suite 1 ‖] encapsulated key ‖ [sequence number 4 ‖] ciphertext ‖ tag 16
  const bytes = Buffer.from(token.slice(7), 'base64url')
  const kind = bytes[0]!
  const [version, start, end] = SUITES[bytes[9]!] ?? [0, 0, 0]
  // Buffer also decodes non-canonical base64url.
  if (token !== `kms:v${version}:${bytes.toString('base64url')}`) throw 0
  // -1, or a later offset: the digest does not begin with this fingerprint.
  if (digest.indexOf(bytes.toString('hex', 1, 9))) {
    throw { code: 'PAIR_UNKNOWN', why: 'of another data key pair' } satisfies Failure
  }
  const encapsulatedKey = bytes.subarray(start, end)
  const isBuilt = kind > 3
  const [key, baseNonce] = isBuilt
    ? (schedules[digest + encapsulatedKey.toString(LATIN1)] ??= scheduleOf(encapsulatedKey))
    : scheduleOf(encapsulatedKey)
  const nonce = Buffer.from(baseNonce)
  if (isBuilt) {
    // RFC 9180, section 5.2: the sequence number is XORed into the end of the nonce.
    for (let index = 0; index < 4; index++) nonce[8 + index]! ^= bytes[end + index]!
  }
  // Without authTagLength, node accepts a tag of 4 bytes.
  const aead = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: 16 })
    .setAuthTag(bytes.subarray(-16))
    .setAAD(kind % 2 ? bytes.subarray(0, 1) : Buffer.from(String.fromCharCode(kind) + name))
  const plaintext = aead.update(bytes.subarray(isBuilt ? end + 4 : end, -16))
  aead.final()
  return plaintext
}
