import { Aes256Gcm, CipherSuite, DhkemP256HkdfSha256, HkdfSha256 } from '@hpke/core'

const suite = new CipherSuite({
  kem: new DhkemP256HkdfSha256(),
  kdf: new HkdfSha256(),
  aead: new Aes256Gcm(),
})

const INFO = new TextEncoder().encode('unplugin-kms/v1')
const KIND_NAMED = 2
// DER SPKI of a P-256 key ends with the uncompressed point.
const POINT = 65

/**
 * Seals a value as an entry of a secrets file: HPKE base mode (RFC 9180), with the kind and the name
 * as additional data.
 *
 * @param publicKey DER SPKI.
 * @returns `kms:v1:…`, as `src/crypto/token.ts` defines it.
 */
export async function sealToken(
  publicKey: Uint8Array,
  name: string,
  value: Uint8Array,
): Promise<string> {
  const recipientPublicKey = await suite.kem.deserializePublicKey(publicKey.slice(-POINT))
  const { enc, ct } = await suite.seal(
    { recipientPublicKey, info: INFO },
    value,
    concat(Uint8Array.of(KIND_NAMED), new TextEncoder().encode(name)),
  )
  const fingerprint = (await sha256(publicKey)).slice(0, 8)
  const bytes = concat(
    Uint8Array.of(KIND_NAMED),
    fingerprint,
    new Uint8Array(enc),
    new Uint8Array(ct),
  )
  return `kms:v1:${base64url(bytes)}`
}

/** Returns the pin of a public key: `sha256:` and 64 hex digits. */
export async function pinOf(publicKey: Uint8Array): Promise<string> {
  const digest = await sha256(publicKey)
  return `sha256:${Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('')}`
}

const sha256 = async (bytes: Uint8Array) =>
  new Uint8Array(await crypto.subtle.digest('SHA-256', new Uint8Array(bytes)))

function concat(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

function base64url(bytes: Uint8Array): string {
  let binary = ''
  for (const byte of bytes) binary += String.fromCharCode(byte)
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')
}
