import { createDecipheriv } from 'node:crypto'
import type { Failure } from './error.js'
import type { Schedule } from './hpke.js'
import { LATIN1 } from './hmac.js'
import type { ImportedKey, Open } from './open.js'

/** By the byte after the fingerprint: the version, and where the encapsulated key begins and ends. */
const SUITES: Record<number, [version: 1 | 2, start: number, end: number]> = {
  // P-256: the byte is the first one of an uncompressed point.
  0x04: [1, 9, 74],
  // ML-KEM-1024: the last byte of its KEM id in HPKE.
  0x42: [2, 10, 1578],
}

/** The start of a token, and what opens the tokens that start with it. */
interface Head {
  importedKey: ImportedKey
  /**
   * `kms:v1:` or `kms:v2:`. If a build sealed the value, also the characters up to the end of the encapsulated
   * key, and up to a multiple of four, so that the rest can be decoded by itself. The tokens of a build
   * have it in common.
   */
  text: string
  kind: number
  key: Buffer
  /** The base nonce. The bytes of the sequence number that are in the text are XORed into it already. */
  nonce: Buffer
  /** How many bytes of the sequence number follow the text. */
  sequenceBytes: number
  /** Where the ciphertext begins, in bytes after the text. */
  offset: number
}

/** Key schedules of the encapsulations of builds, each of which has many messages. */
const schedules: Record<string, Schedule> = {}

/** The head of the last token that was opened, among those of builds. */
let lastHead: Head | undefined

/** Parses the head of a token and derives its key. */
function headOf(importedKey: ImportedKey, token: string): Head {
  const [digest, scheduleOf] = importedKey
  const bytes = Buffer.from(token.slice(7), 'base64url')
  const kind = bytes[0]!
  const [version, start, end] = SUITES[bytes[9]!] ?? [0, 0, 0]
  const isBuilt = kind > 3
  const length = isBuilt ? Math.ceil(end / 3) * 3 : 0
  const text = `kms:v${version}:${bytes.toString('base64url', 0, length)}`
  if (!token.startsWith(text)) throw 0
  // -1, or a later offset: the digest does not begin with this fingerprint.
  if (digest.indexOf(bytes.toString('hex', 1, 9))) {
    throw { code: 'PAIR_UNKNOWN', why: 'of another data key pair' } satisfies Failure
  }
  const encapsulatedKey = bytes.subarray(start, end)
  const [key, baseNonce] = isBuilt
    ? (schedules[digest + encapsulatedKey.toString(LATIN1)] ??= scheduleOf(encapsulatedKey))
    : scheduleOf(encapsulatedKey)
  const nonce = Buffer.from(baseNonce)
  for (let index = end; index < length; index++) nonce[8 + index - end]! ^= bytes[index]!
  const sequenceBytes = isBuilt ? end + 4 - length : 0
  const offset = isBuilt ? sequenceBytes : end
  return { importedKey, text, kind, key, nonce, sequenceBytes, offset }
}

/**
 * Opens a token of any kind and suite. Tokens of an even kind open with the name only that they were
 * sealed with: entries of a secrets file (2), and values that a build sealed (4 and 6).
 */
export const openToken: Open = (importedKey, token, name) => {
  // kind 1 ‖ fingerprint 8 ‖ [suite 1 ‖] encapsulated key ‖ [sequence number 4 ‖] ciphertext ‖ tag 16
  const head =
    lastHead?.importedKey === importedKey && token.startsWith(lastHead.text)
      ? lastHead
      : headOf(importedKey, token)
  const { kind, sequenceBytes, offset } = head
  const text = token.slice(head.text.length)
  const bytes = Buffer.from(text, 'base64url')
  // Buffer also decodes non-canonical base64url.
  if (text !== bytes.toString('base64url')) throw 0
  const nonce = new Uint8Array(head.nonce)
  // RFC 9180, section 5.2: the sequence number is XORed into the end of the nonce.
  for (let index = 0; index < sequenceBytes; index++) {
    nonce[12 - sequenceBytes + index]! ^= bytes[index]!
  }
  // Cheaper than Buffer's `subarray`. Throws a RangeError if the token is too short.
  const { buffer, byteOffset } = bytes
  const size = bytes.length - offset - 16
  const ciphertext = new Uint8Array(buffer, byteOffset + offset, size)
  const tag = new Uint8Array(buffer, byteOffset + offset + size, 16)
  const aead = createDecipheriv('aes-256-gcm', head.key, nonce, { authTagLength: 16 })
    .setAuthTag(tag)
    .setAAD(Buffer.from(String.fromCharCode(kind) + (kind % 2 ? '' : name)))
  const plaintext = aead.update(ciphertext)
  aead.final()
  // Only now, because a malformed token may end within its head.
  if (kind > 3) lastHead = head
  return plaintext
}
