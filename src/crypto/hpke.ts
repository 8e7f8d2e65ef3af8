import { createCipheriv, createDecipheriv, createHmac } from 'node:crypto'

/** The KDF and the AEAD of an HPKE suite, with the ids of RFC 9180, section 7, and node's names. */
export interface HpkeSuite {
  kem: number
  kdf: number
  hash: 'sha256' | 'sha384'
  aead: number
  cipher: 'aes-128-gcm' | 'aes-256-gcm'
  /** Nk: the length of an AEAD key. */
  keyBytes: number
}

// Nn and Nt of AES-GCM (section 7.3).
const NONCE_BYTES = 12
const TAG_BYTES = 16
const EMPTY = Buffer.alloc(0)

/** Returns a number as two bytes, big-endian: I2OSP(n, 2). */
export const twoBytes = (number: number) => Buffer.of(number >> 8, number & 255)

/** Returns LabeledExtract and LabeledExpand (RFC 9180, section 4) for the `suite_id` of a KEM or of HPKE. */
export function labeledKdf(hash: HpkeSuite['hash'], suiteId: Uint8Array) {
  const hmac = (key: Uint8Array, parts: Uint8Array[]) => {
    const mac = createHmac(hash, key)
    for (const part of parts) mac.update(part)
    return mac.digest()
  }
  const labeled = (label: string) =>
    Buffer.concat([Buffer.from('HPKE-v1'), suiteId, Buffer.from(label)])
  return {
    labeledExtract: (salt: Uint8Array, label: string, ikm: Uint8Array): Buffer =>
      hmac(salt, [labeled(label), ikm]),
    /** No output is longer than the hash, so Expand (RFC 5869) is its first block: one HMAC. */
    labeledExpand: (prk: Uint8Array, label: string, info: Uint8Array, length: number): Buffer =>
      hmac(prk, [twoBytes(length), labeled(label), info, Buffer.of(1)]).subarray(0, length),
  }
}

/** The key and the base nonce of an encapsulation. */
export interface KeySchedule {
  suite: HpkeSuite
  key: Buffer
  baseNonce: Buffer
}

/** Derives the key and the base nonce: KeySchedule (RFC 9180, section 5.1) in mode_base, without a PSK. */
export function keySchedule(
  suite: HpkeSuite,
  sharedSecret: Uint8Array,
  info: Uint8Array,
): KeySchedule {
  const { kem, kdf, aead, hash, keyBytes } = suite
  const suiteId = [Buffer.from('HPKE'), twoBytes(kem), twoBytes(kdf), twoBytes(aead)]
  const { labeledExtract, labeledExpand } = labeledKdf(hash, Buffer.concat(suiteId))
  const keyScheduleContext = Buffer.concat([
    Buffer.of(0),
    labeledExtract(EMPTY, 'psk_id_hash', EMPTY),
    labeledExtract(EMPTY, 'info_hash', info),
  ])
  const secret = labeledExtract(sharedSecret, 'secret', EMPTY)
  return {
    suite,
    key: labeledExpand(secret, 'key', keyScheduleContext, keyBytes),
    baseNonce: labeledExpand(secret, 'base_nonce', keyScheduleContext, NONCE_BYTES),
  }
}

/** Returns the nonce of a message: ComputeNonce (section 5.2). Sequence numbers have 4 bytes in tokens. */
function computeNonce({ baseNonce }: KeySchedule, sequence: number): Buffer {
  const nonce = Buffer.from(baseNonce)
  nonce.writeUInt32BE((nonce.readUInt32BE(NONCE_BYTES - 4) ^ sequence) >>> 0, NONCE_BYTES - 4)
  return nonce
}

/** The context of a sender (RFC 9180, section 5.2): seals messages, each with the next sequence number. */
export class SenderContext {
  readonly #schedule: KeySchedule
  #sequence: number

  constructor(schedule: KeySchedule, sequence = 0) {
    this.#schedule = schedule
    this.#sequence = sequence
  }

  /** The sequence number of the next message. */
  get sequence(): number {
    return this.#sequence
  }

  /** Returns ciphertext and tag. @throws RangeError after 2^32 messages. */
  seal(plaintext: Uint8Array, aad: Uint8Array): Buffer {
    if (this.#sequence > 0xffffffff) throw new RangeError('no sequence number is left')
    const { suite, key } = this.#schedule
    // Counted before it is used: also if this call fails, no other one has the same nonce.
    const nonce = computeNonce(this.#schedule, this.#sequence++)
    const aead = createCipheriv(suite.cipher, key, nonce, { authTagLength: TAG_BYTES }).setAAD(aad)
    return Buffer.concat([aead.update(plaintext), aead.final(), aead.getAuthTag()])
  }
}

/** Opens the message with a sequence number: Open (section 5.2). Throws if any part of it was altered. */
export function open(
  schedule: KeySchedule,
  ciphertext: Uint8Array,
  aad: Uint8Array,
  sequence = 0,
): Buffer {
  const { suite, key } = schedule
  // Without authTagLength, node accepts a tag of 4 bytes.
  const options = { authTagLength: TAG_BYTES }
  const aead = createDecipheriv(suite.cipher, key, computeNonce(schedule, sequence), options)
    .setAAD(aad)
    .setAuthTag(ciphertext.subarray(-TAG_BYTES))
  return Buffer.concat([aead.update(ciphertext.subarray(0, -TAG_BYTES)), aead.final()])
}
