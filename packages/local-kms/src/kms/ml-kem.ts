import * as crypto from 'node:crypto'
import { AwsError } from '../errors.js'
import { element, type KeyPair } from './key-material.js'

/** The last number of each algorithm's OID, below 2.16.840.1.101.3.4.4 (NIST CSOR). */
const ALGORITHMS = { ML_KEM_512: 1, ML_KEM_768: 2, ML_KEM_1024: 3 } as const
const OID_PREFIX = Buffer.from('6086480165030404', 'hex')
const SEED_BYTES = 64

export type MlKemSpec = keyof typeof ALGORITHMS

export const isMlKemSpec = (spec: string): spec is MlKemSpec => Object.hasOwn(ALGORITHMS, spec)

/** Generates a pair. The private key is a seed-only PKCS#8 (RFC 9935, section 6). */
export async function newMlKemPair(spec: MlKemSpec): Promise<KeyPair> {
  const seed = crypto.randomBytes(SEED_BYTES)
  const privateKey = encodeSeed(spec, seed)
  return { privateKey, publicKey: await publicKeyOf(spec, seed, privateKey) }
}

/** `PrivateKeyInfo { 0, { OID }, OCTET STRING { [0] seed } }` */
export function encodeSeed(spec: MlKemSpec, seed: Uint8Array): Buffer {
  const version = Buffer.from('020100', 'hex')
  const inner = element(0x04, element(0x80, Buffer.from(seed)))
  return element(0x30, Buffer.concat([version, algorithmOf(spec), inner]))
}

const algorithmOf = (spec: MlKemSpec): Buffer =>
  element(0x30, element(0x06, Buffer.concat([OID_PREFIX, Buffer.from([ALGORITHMS[spec]])])))

/** Node 24.7 and later have ML-KEM. For others, the optional peer dependency derives the key. */
async function publicKeyOf(spec: MlKemSpec, seed: Buffer, pkcs8: Buffer): Promise<Buffer> {
  if ('encapsulate' in crypto) {
    const privateKey = crypto.createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' })
    return crypto.createPublicKey(privateKey).export({ format: 'der', type: 'spki' })
  }
  const library = await import('@noble/post-quantum/ml-kem.js').catch(() => {
    throw new AwsError(
      'UnsupportedOperationException',
      `The local KMS supports KeyPairSpec ${spec} on Node 24.7 and later, or with ` +
        '@noble/post-quantum: npm install --save-dev @noble/post-quantum',
    )
  })
  const { ml_kem512: ML_KEM_512, ml_kem768: ML_KEM_768, ml_kem1024: ML_KEM_1024 } = library
  const { publicKey } = { ML_KEM_512, ML_KEM_768, ML_KEM_1024 }[spec].keygen(seed)
  return encodePublicKey(spec, publicKey)
}

/** `SubjectPublicKeyInfo { { OID }, BIT STRING key }` */
const encodePublicKey = (spec: MlKemSpec, key: Uint8Array): Buffer =>
  element(
    0x30,
    Buffer.concat([algorithmOf(spec), element(0x03, Buffer.concat([Buffer.alloc(1), key]))]),
  )
