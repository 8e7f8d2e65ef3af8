import type { CipherSuite } from '@hpke/core'

/** The suite that a page seals by. A page contains the library of its own suite only. */
export interface PageSuite {
  name: string
  /** The beginning of a DER SPKI, in hex. The public key follows. */
  spkiHeader: string
  publicKeyBytes: number
  /** The beginning of its tokens. */
  prefix: 'kms:v1:' | 'kms:v2:'
  /** What tokens have after the fingerprint: the suite byte, where the version has one. */
  suiteByte: number[]
  hpke: CipherSuite
}

const INFO = new TextEncoder().encode('unplugin-kms/v1')
const KIND_NAMED = 2

/** Checks that a DER SPKI is for a suite, by its header and length. */
export function isPublicKeyOf(
  { spkiHeader, publicKeyBytes }: PageSuite,
  publicKey: Uint8Array,
): boolean {
  const headerBytes = spkiHeader.length / 2
  return (
    publicKey.length === headerBytes + publicKeyBytes &&
    hex(publicKey.subarray(0, headerBytes)) === spkiHeader
  )
}

/**
 * Seals a value as an entry of a secrets file: HPKE base mode (RFC 9180), with the kind and the name
 * as additional data.
 *
 * @param publicKey DER SPKI.
 * @returns a token, as `src/crypto/token.ts` defines it.
 */
export async function sealToken(
  suite: PageSuite,
  publicKey: Uint8Array,
  name: string,
  value: Uint8Array,
): Promise<string> {
  if (!isPublicKeyOf(suite, publicKey)) throw new Error(`The public key is not for ${suite.name}.`)
  const recipientPublicKey = await suite.hpke.kem.deserializePublicKey(
    publicKey.slice(-suite.publicKeyBytes),
  )
  const { enc, ct } = await suite.hpke.seal(
    { recipientPublicKey, info: INFO },
    value,
    concat(Uint8Array.of(KIND_NAMED), new TextEncoder().encode(name)),
  )
  const fingerprint = (await sha256(publicKey)).slice(0, 8)
  const bytes = concat(
    Uint8Array.of(KIND_NAMED),
    fingerprint,
    Uint8Array.from(suite.suiteByte),
    new Uint8Array(enc),
    new Uint8Array(ct),
  )
  return suite.prefix + base64url(bytes)
}

/** Returns the pin of a public key: `sha256:` and 64 hex digits. */
export async function pinOf(publicKey: Uint8Array): Promise<string> {
  return `sha256:${hex(await sha256(publicKey))}`
}

const hex = (bytes: Uint8Array) =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')

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
