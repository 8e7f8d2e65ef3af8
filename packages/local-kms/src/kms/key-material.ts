import {
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  randomBytes,
  type KeyObject,
} from 'node:crypto'
import { promisify } from 'node:util'
import type { KeyMaterial, KeySpec } from '../account/state.js'

const generate = promisify(generateKeyPair)

export const RSA_BITS: Readonly<Partial<Record<string, number>>> = {
  RSA_2048: 2048,
  RSA_3072: 3072,
  RSA_4096: 4096,
}

export async function newMaterial(spec: KeySpec, now: number): Promise<KeyMaterial> {
  const bits = RSA_BITS[spec]
  if (bits === undefined) return newSymmetricMaterial(now)
  const { privateKey } = await newRsaPair(bits)
  return { ...newSymmetricMaterial(now), secret: privateKey.toString('base64') }
}

export const newSymmetricMaterial = (now: number): KeyMaterial => ({
  id: randomBytes(32).toString('hex'),
  createdAt: now,
  secret: randomBytes(32).toString('base64'),
})

/** Returns the private key of an RSA key. */
export const rsaPrivateKey = ({ secret }: KeyMaterial): KeyObject =>
  createPrivateKey({ key: Buffer.from(secret, 'base64'), format: 'der', type: 'pkcs8' })

export const rsaPublicKey = (material: KeyMaterial): KeyObject =>
  createPublicKey(rsaPrivateKey(material))

export interface KeyPair {
  /** PKCS#8 DER. */
  privateKey: Buffer
  /** SPKI DER. */
  publicKey: Buffer
}

export async function newRsaPair(bits: number): Promise<KeyPair> {
  return generate('rsa', {
    modulusLength: bits,
    publicExponent: 65_537,
    privateKeyEncoding: { type: 'pkcs8', format: 'der' },
    publicKeyEncoding: { type: 'spki', format: 'der' },
  })
}

/** Generates a pair. The public key in the PKCS#8 is optional (RFC 5915). */
export async function newEcPair(curve: string, withPublicKey: boolean): Promise<KeyPair> {
  const { privateKey, publicKey } = await generate('ec', {
    namedCurve: curve,
    privateKeyEncoding: { type: 'pkcs8', format: 'der' },
    publicKeyEncoding: { type: 'spki', format: 'der' },
  })
  return { privateKey: withPublicKey ? privateKey : withoutPublicKey(privateKey), publicKey }
}

/**
 * Rewrites `PrivateKeyInfo { version, algorithm, OCTET STRING { ECPrivateKey { version, scalar,
 * [1] publicKey } } }` without its `[1]`.
 */
function withoutPublicKey(pkcs8: Buffer): Buffer {
  const info = children(pkcs8)
  const [version, algorithm, octets] = info as [Buffer, Buffer, Buffer]
  const ecPrivateKey = children(contents(octets)).filter((field) => field[0] !== 0xa1)
  const inner = element(0x04, element(0x30, Buffer.concat(ecPrivateKey)))
  return element(0x30, Buffer.concat([version, algorithm, inner]))
}

function children(sequence: Buffer): Buffer[] {
  const found: Buffer[] = []
  for (let rest = contents(sequence); rest.length > 0;) {
    const { header, length } = measure(rest)
    found.push(rest.subarray(0, header + length))
    rest = rest.subarray(header + length)
  }
  return found
}

function contents(der: Buffer): Buffer {
  const { header, length } = measure(der)
  return der.subarray(header, header + length)
}

function measure(der: Buffer): { header: number; length: number } {
  const first = der[1] as number
  if (first < 0x80) return { header: 2, length: first }
  const bytes = first & 0x7f
  return { header: 2 + bytes, length: der.readUIntBE(2, bytes) }
}

/** Returns a DER element of at most 65,535 bytes. */
export function element(tag: number, body: Buffer): Buffer {
  if (body.length < 0x80) return Buffer.concat([Buffer.from([tag, body.length]), body])
  const bytes = body.length < 0x100 ? 1 : 2
  const header = Buffer.alloc(2 + bytes)
  header.writeUInt8(tag, 0)
  header.writeUInt8(0x80 | bytes, 1)
  header.writeUIntBE(body.length, 2, bytes)
  return Buffer.concat([header, body])
}
