import type { ECDH } from 'node:crypto'
import { hmac, LATIN1 } from './hmac.js'

// RFC 9180, base mode: DHKEM(P-256, HKDF-SHA256) 0x0010, HKDF-SHA256 0x0001, AES-256-GCM 0x0002.
// These are "HPKE-v1" and the suite_id of the KEM and of HPKE (sections 4.1 and 5.1), with which the
// input of every LabeledExtract and LabeledExpand starts. No output is longer than a block of
// SHA-256, so LabeledExpand is a single HMAC: the length first, the counter 1 last.
const KEM = 'HPKE-v1KEM\0\x10'
const HPKE = 'HPKE-v1HPKE\0\x10\0\x01\0\x02'

/** The key and the base nonce of an encapsulation. */
export type Schedule = [key: Buffer, baseNonce: Buffer]

/**
 * Returns the key schedule (section 5.1) of an encapsulated key. Throws if the encapsulated key is
 * malformed.
 */
export type KeySchedule = (encapsulatedKey: Buffer) => Schedule

/** Returns the key schedules of messages to this key pair. `publicKey` and `info` are latin1 strings. */
export function recipient(pair: ECDH, publicKey: string, info: string): KeySchedule {
  const pskIdHash = hmac('', HPKE + 'psk_id_hash').toString(LATIN1)
  const infoHash = hmac('', HPKE + 'info_hash' + info).toString(LATIN1)
  const keyScheduleContext = `\0${pskIdHash}${infoHash}\x01`

  return (encapsulatedKey) => {
    // Decap (section 4.1): eae_prk, the shared secret; then KeySchedule (section 5.1).
    const secret = hmac(
      hmac(
        hmac('', KEM + 'eae_prk' + pair.computeSecret(encapsulatedKey).toString(LATIN1)),
        `\0\x20${KEM}shared_secret${encapsulatedKey.toString(LATIN1)}${publicKey}\x01`,
      ),
      HPKE + 'secret',
    )
    const key = hmac(secret, `\0\x20${HPKE}key${keyScheduleContext}`)
    const nonce = hmac(secret, `\0\x0c${HPKE}base_nonce${keyScheduleContext}`)
    return [key, nonce.subarray(0, 12)]
  }
}
