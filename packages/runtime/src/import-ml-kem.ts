import { createHmac, createPrivateKey, createPublicKey, hash, type KeyObject } from 'node:crypto'
import type { Failure } from './error.js'
import { LATIN1 } from './hmac.js'
import type { KeySchedule } from './hpke.js'
import type { ImportedKey } from './open.js'

// draft-ietf-hpke-pq, base mode: ML-KEM-1024 0x0042, HKDF-SHA384 0x0002, AES-256-GCM 0x0002. As in
// hpke.ts, no output is longer than a block of the hash, so LabeledExpand is a single HMAC.
const HPKE = 'HPKE-v1HPKE\0\x42\0\x02\0\x02'

const hmac = (key: string | Buffer, bytes: string): Buffer =>
  createHmac('sha384', key).update(bytes, LATIN1).digest()

type Decapsulate = (key: KeyObject, ciphertext: Buffer) => Buffer

// Not imported by its name: a module that imports what node lacks does not load at all.
const decapsulate = (): Decapsulate | undefined =>
  (process.getBuiltinModule('crypto') as { decapsulate?: Decapsulate }).decapsulate

/** Returns why this node cannot open tokens of ML-KEM pairs, or undefined if it can. */
export const unsupported = (): Failure | undefined =>
  decapsulate()
    ? undefined
    : {
        code: 'NODE_UNSUPPORTED',
        why: `ML-KEM needs Node.js 24.7 or later, and this is ${process.versions.bun ? 'Bun' : process.version}`,
      }

/** Returns the key schedules of messages to this private key. `info` is a latin1 string. */
export function mlKemRecipient(privateKey: KeyObject, info: string): KeySchedule {
  const labeledExtract = (labelAndIkm: string) => hmac('', HPKE + labelAndIkm).toString(LATIN1)
  const keyScheduleContext = `\0${labeledExtract('psk_id_hash')}${labeledExtract('info_hash' + info)}\x01`

  return (encapsulatedKey) => {
    // For an altered key, ML-KEM returns another, random secret (implicit rejection).
    const secret = hmac(decapsulate()!(privateKey, encapsulatedKey), HPKE + 'secret')
    return [
      hmac(secret, `\0\x20${HPKE}key${keyScheduleContext}`).subarray(0, 32),
      hmac(secret, `\0\x0c${HPKE}base_nonce${keyScheduleContext}`).subarray(0, 12),
    ]
  }
}

/**
 * Imports the private key of an ML-KEM-1024 pair (PKCS#8, DER), as `importKey` does for P-256. Throws a
 * `Failure` if the buffer is not one, or if this node lacks ML-KEM.
 */
export function importMlKem(pkcs8: Buffer): ImportedKey {
  const failure = unsupported()
  if (failure) throw failure
  let privateKey: KeyObject
  try {
    privateKey = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' })
    if (String(privateKey.asymmetricKeyType) !== 'ml-kem-1024') throw 0
  } catch {
    throw { code: 'OPEN_FAILED', why: 'not a private key' } satisfies Failure
  }
  pkcs8.fill(0)
  const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' })
  const digest = hash('sha256', spki)
  return [digest, mlKemRecipient(privateKey, 'unplugin-kms/v1')]
}
