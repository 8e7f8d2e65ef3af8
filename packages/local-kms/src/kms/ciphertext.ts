import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import type { KeyMaterial } from '../account/state.js'
import { AwsError } from '../errors.js'
import { encodeContext } from './encryption-context.js'

/**
 * A symmetric CiphertextBlob:
 *
 *     01 02 02 00 78          the start of KMS's own ciphertexts (base64 `AQICAH`)
 *     key kind (1)            00 single-Region, 01 multi-Region
 *     key id (16)             the UUID, or the 32 hex digits after `mrk-`
 *     key material id (32)
 *     nonce (12)
 *     ciphertext, tag (16)    AES-256-GCM; AAD: the fields before the nonce, then the context
 */
const MAGIC = Buffer.from('0102020078', 'hex')
const HEADER_BYTES = MAGIC.length + 1 + 16 + 32
const NONCE_BYTES = 12
const TAG_BYTES = 16

export interface ParsedCiphertext {
  keyId: string
  materialId: string
  header: Buffer
  nonce: Buffer
  sealed: Buffer
}

export function seal(
  keyId: string,
  material: KeyMaterial,
  plaintext: Uint8Array,
  context: Readonly<Record<string, string>>,
): Buffer {
  const header = Buffer.concat([
    MAGIC,
    Buffer.from([keyId.startsWith('mrk-') ? 1 : 0]),
    Buffer.from(keyId.replace('mrk-', '').replaceAll('-', ''), 'hex'),
    Buffer.from(material.id, 'hex'),
  ])
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv('aes-256-gcm', Buffer.from(material.secret, 'base64'), nonce, {
    authTagLength: TAG_BYTES,
  })
  cipher.setAAD(Buffer.concat([header, encodeContext(context)]))
  return Buffer.concat([
    header,
    nonce,
    cipher.update(plaintext),
    cipher.final(),
    cipher.getAuthTag(),
  ])
}

/** @returns undefined for bytes that are not such a ciphertext */
export function parseCiphertext(blob: Buffer): ParsedCiphertext | undefined {
  if (blob.length < HEADER_BYTES + NONCE_BYTES + TAG_BYTES) return undefined
  if (!blob.subarray(0, MAGIC.length).equals(MAGIC)) return undefined
  const multiRegion = blob[MAGIC.length] === 1
  const hex = blob.toString('hex', MAGIC.length + 1, MAGIC.length + 17)
  const uuid = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
  return {
    keyId: multiRegion ? `mrk-${hex}` : uuid,
    materialId: blob.toString('hex', MAGIC.length + 17, HEADER_BYTES),
    header: blob.subarray(0, HEADER_BYTES),
    nonce: blob.subarray(HEADER_BYTES, HEADER_BYTES + NONCE_BYTES),
    sealed: blob.subarray(HEADER_BYTES + NONCE_BYTES),
  }
}

/** @throws AwsError InvalidCiphertextException for changed bytes or a wrong context */
export function open(
  parsed: ParsedCiphertext,
  materials: readonly KeyMaterial[],
  context: Readonly<Record<string, string>>,
): Buffer {
  const material = materials.find(({ id }) => id === parsed.materialId)
  if (material === undefined) throw new AwsError('InvalidCiphertextException')
  const { header, nonce, sealed } = parsed
  const key = Buffer.from(material.secret, 'base64')
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
  decipher.setAAD(Buffer.concat([header, encodeContext(context)]))
  decipher.setAuthTag(sealed.subarray(-TAG_BYTES))
  try {
    return Buffer.concat([decipher.update(sealed.subarray(0, -TAG_BYTES)), decipher.final()])
  } catch {
    throw new AwsError('InvalidCiphertextException')
  }
}
