import { createPublicKey } from 'node:crypto'
import type { HpkeSuite } from './hpke.js'

const AES_256_GCM = { aead: 0x0002, cipher: 'aes-256-gcm', keyBytes: 32 } as const

/** The HPKE suites of data key pairs. */
export const SUITES = {
  /** RFC 9180: DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, AES-256-GCM. */
  'P-256': {
    keyPairSpec: 'ECC_NIST_P256',
    // RFC 5480: the uncompressed point follows.
    spkiHeader: Buffer.from('3059301306072a8648ce3d020106082a8648ce3d030107034200', 'hex'),
    publicKeyBytes: 65,
    encapsulatedKeyBytes: 65,
    hpke: { kem: 0x0010, kdf: 0x0001, hash: 'sha256', ...AES_256_GCM } satisfies HpkeSuite,
  },
  /** draft-ietf-hpke-pq: ML-KEM-1024, HKDF-SHA384, AES-256-GCM. Opening needs Node.js 24.7. */
  'ML-KEM-1024': {
    keyPairSpec: 'ML_KEM_1024',
    // RFC 9935: the encapsulation key follows.
    spkiHeader: Buffer.from('30820632300b06096086480165030404030382062100', 'hex'),
    publicKeyBytes: 1568,
    encapsulatedKeyBytes: 1568,
    hpke: { kem: 0x0042, kdf: 0x0002, hash: 'sha384', ...AES_256_GCM } satisfies HpkeSuite,
  },
} as const

export type Suite = keyof typeof SUITES
export type KeyPairSpec = (typeof SUITES)[Suite]['keyPairSpec']

/** Returns the suite that a DER SPKI is for, by its header and length; undefined if it is for none. */
const claimedSuite = (spki: Uint8Array): Suite | undefined =>
  (Object.keys(SUITES) as Suite[]).find((suite) => {
    const { spkiHeader, publicKeyBytes } = SUITES[suite]
    return (
      spki.length === spkiHeader.length + publicKeyBytes &&
      spkiHeader.equals(spki.subarray(0, spkiHeader.length))
    )
  })

/** Returns the suite of a public key that was checked. */
export function suiteOf({ publicKey }: { publicKey: Uint8Array }): Suite {
  return claimedSuite(publicKey) ?? 'P-256'
}

/** Returns the suite of a DER SPKI, or undefined if it is not a valid public key of any suite. */
export function checkPublicKey(spki: Buffer): Suite | undefined {
  const suite = claimedSuite(spki)
  if (!suite) return undefined
  const isValid = suite === 'P-256' ? isOnCurve(spki) : isReduced(publicKeyBytes(spki))
  return isValid ? suite : undefined
}

/** Returns the public key of a DER SPKI as HPKE serializes it. */
export const publicKeyBytes = (spki: Uint8Array): Uint8Array =>
  spki.subarray(SUITES[suiteOf({ publicKey: spki })].spkiHeader.length)

function isOnCurve(spki: Buffer): boolean {
  try {
    createPublicKey({ key: spki, format: 'der', type: 'spki' })
    return true
  } catch {
    return false
  }
}

/** Checks the coefficients of an ML-KEM encapsulation key, 12 bits each (FIPS 203, section 7.2). */
function isReduced(key: Uint8Array): boolean {
  const coefficients = key.length - 32
  for (let at = 0; at < coefficients; at += 3) {
    const [a, b, c] = [key[at]!, key[at + 1]!, key[at + 2]!]
    if ((a | ((b & 15) << 8)) >= 3329 || ((b >> 4) | (c << 4)) >= 3329) return false
  }
  return true
}
