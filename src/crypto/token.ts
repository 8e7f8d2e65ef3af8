import { Buffer } from 'node:buffer'

/**
 * A sealed secret. Its string is the same in bundles, sources and secrets files: `kms:v1:` and the
 * canonical base64url of kind (1 byte), fingerprint (8), encapsulated key (65), ciphertext and tag.
 */
export interface Token {
  kind: Kind
  /** The first 8 bytes of the SHA-256 of the pair's SPKI, as 16 hex digits. */
  fingerprint: string
  /** An uncompressed P-256 point: 65 bytes, the first of them 04. */
  encapsulatedKey: Uint8Array
  /** AES-256-GCM ciphertext followed by its 16-byte tag. */
  ciphertext: Uint8Array
}

export const KINDS = { literal: 1, named: 2, bytes: 3 } as const
export type Kind = keyof typeof KINDS

const PREFIX = 'kms:v1:'
const HEADER = 1 + 8 + 65
const TAG = 16

/** Checks whether a string claims to be a token, of any version. Such a string is never sealed. */
export const looksLikeToken = (text: string) => text.startsWith('kms:v')

/** Returns the size of a token's plaintext, in bytes. */
export const plaintextSize = ({ ciphertext }: Token) => ciphertext.length - TAG

export function encodeToken({ kind, fingerprint, encapsulatedKey, ciphertext }: Token): string {
  const header = [Uint8Array.of(KINDS[kind]), Buffer.from(fingerprint, 'hex'), encapsulatedKey]
  return PREFIX + Buffer.concat([...header, ciphertext]).toString('base64url')
}

/** Parses a token, or returns why the string is not one. The reason contains none of the string. */
export function decodeToken(text: string): Token | { invalid: string } {
  if (!text.startsWith(PREFIX)) return { invalid: 'its version is not v1' }
  const body = text.slice(PREFIX.length)
  const bytes = Buffer.from(body, 'base64url')
  // Node's decoder skips characters that it does not know: only canonical text decodes to itself.
  if (bytes.toString('base64url') !== body) return { invalid: 'it is not canonical base64url' }
  if (bytes.length <= HEADER + TAG) return { invalid: 'it is too short, as if cut off' }
  const kind = (Object.keys(KINDS) as Kind[]).find((name) => KINDS[name] === bytes[0])
  if (!kind) return { invalid: 'its kind is unknown' }
  const encapsulatedKey = bytes.subarray(9, HEADER)
  if (encapsulatedKey[0] !== 4)
    return { invalid: 'its encapsulated key is not an uncompressed point' }
  const fingerprint = bytes.subarray(1, 9).toString('hex')
  return { kind, fingerprint, encapsulatedKey, ciphertext: bytes.subarray(HEADER) }
}

/** Returns how the strings of a pair's tokens begin: kind and fingerprint are twelve characters. */
export const tokenPrefixes = (fingerprint: string) =>
  Object.values(KINDS).map(
    (kind) =>
      PREFIX + Buffer.from([kind, ...Buffer.from(fingerprint, 'hex')]).toString('base64url'),
  )

/** Returns the additional data that a tag authenticates: the kind, and for an entry its name. */
export const aad = (kind: Kind, name: string) =>
  Buffer.concat([Uint8Array.of(KINDS[kind]), Buffer.from(kind === 'named' ? name : '', 'utf8')])

/** HPKE's `info`: binds every message to this format. */
export const INFO = Buffer.from('unplugin-kms/v1', 'utf8')
