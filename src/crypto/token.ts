import { Buffer } from 'node:buffer'

/**
 * A sealed secret as text, the same in bundles, sources and secrets files:
 * `kms:v1:` + canonical base64url(kind 1 ‖ fingerprint 8 ‖ enc 65 ‖ ciphertext and 16-byte tag).
 */
export interface Token {
  kind: Kind
  /** The first 8 bytes of the SHA-256 of the pair's SPKI, as 16 hex digits. */
  fingerprint: string
  /** HPKE's encapsulated key: an uncompressed P-256 point, 65 bytes that begin with 04. */
  enc: Uint8Array
  /** AES-256-GCM ciphertext followed by its 16-byte tag. */
  ciphertext: Uint8Array
}

export const KINDS = { literal: 1, named: 2, bytes: 3 } as const
export type Kind = keyof typeof KINDS

const PREFIX = 'kms:v1:'
const HEADER = 1 + 8 + 65
const TAG = 16

/** Text that says it is a token, of whatever version, and so is never taken for a plaintext. */
export const looksLikeToken = (text: string) => text.startsWith('kms:v')

export function encodeToken({ kind, fingerprint, enc, ciphertext }: Token): string {
  const bytes = [Uint8Array.of(KINDS[kind]), Buffer.from(fingerprint, 'hex'), enc, ciphertext]
  return PREFIX + Buffer.concat(bytes).toString('base64url')
}

/** Reads a token, or says in a few words why the text is none; the reason holds none of the text. */
export function decodeToken(text: string): Token | { invalid: string } {
  if (!text.startsWith(PREFIX)) return { invalid: 'its version is not v1' }
  const body = text.slice(PREFIX.length)
  const bytes = Buffer.from(body, 'base64url')
  // Node's decoder skips what it does not know: only canonical text decodes to itself.
  if (bytes.toString('base64url') !== body) return { invalid: 'it is not canonical base64url' }
  if (bytes.length <= HEADER + TAG) return { invalid: 'it is too short, as if cut off' }
  const kind = (Object.keys(KINDS) as Kind[]).find((name) => KINDS[name] === bytes[0])
  if (!kind) return { invalid: 'its kind is unknown' }
  const enc = bytes.subarray(9, HEADER)
  if (enc[0] !== 4) return { invalid: 'its encapsulated key is not an uncompressed point' }
  const fingerprint = bytes.subarray(1, 9).toString('hex')
  return { kind, fingerprint, enc, ciphertext: bytes.subarray(HEADER) }
}

/** The data that a token's tag covers besides the plaintext: kind, and for an entry its name. */
export const aad = (kind: Kind, name: string) =>
  Buffer.concat([Uint8Array.of(KINDS[kind]), Buffer.from(kind === 'named' ? name : '', 'utf8')])

/** HPKE's `info`: binds every message to this format. */
export const INFO = Buffer.from('unplugin-kms/v1', 'utf8')
