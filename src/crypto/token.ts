import { Buffer } from 'node:buffer'
import { SUITES, type Suite } from './suites.js'

/**
 * A sealed secret. Its string is the same in bundles, sources and secrets files: `kms:v1:` for P-256
 * pairs and `kms:v2:` for others, then canonical base64url of
 *
 *     kind 1 ‖ fingerprint 8 ‖ [suite 1 ‖] encapsulated key ‖ [sequence number 4 ‖] ciphertext ‖ tag 16
 *
 * Only version 2 has a suite byte: 42 (hex) is ML-KEM-1024. Only what a build sealed has a sequence
 * number.
 */
export interface Token {
  kind: Kind
  /** The first 8 bytes of the SHA-256 of the pair's SPKI, as 16 hex digits. */
  fingerprint: string
  /** HPKE's `enc`. Its length shows the suite. For P-256, it is an uncompressed point. */
  encapsulatedKey: Uint8Array
  /**
   * The sequence number of a value that a build sealed: the other values of the build have the same
   * encapsulated key. Such a token opens with its name only. Absent for a single message.
   */
  sequence?: number
  /** AES-256-GCM ciphertext followed by its 16-byte tag. */
  ciphertext: Uint8Array
}

export const KINDS = { literal: 1, named: 2, bytes: 3 } as const
export type Kind = keyof typeof KINDS
/** The kinds of what a build seals. All even kinds are bound to the name. */
const BUILT_KINDS = { literal: 4, bytes: 6 } as const

const PREFIX = 'kms:v'
const TAG = 16
const ML_KEM_1024 = 0x42
const UNCOMPRESSED_POINT = 4

/** Checks whether a string claims to be a token, of any version. Such a string is never sealed. */
export const looksLikeToken = (text: string) => text.startsWith(PREFIX)

/** Returns the size of a token's plaintext, in bytes. */
export const plaintextSize = ({ ciphertext }: Token) => ciphertext.length - TAG

/** Returns the suite of the pair that a token is sealed to. */
export const tokenSuite = ({ encapsulatedKey }: Pick<Token, 'encapsulatedKey'>): Suite =>
  encapsulatedKey.length === SUITES['P-256'].encapsulatedKeyBytes ? 'P-256' : 'ML-KEM-1024'

/** Returns the byte that a token's kind is written as. */
const kindByte = (kind: Kind, sequence: number | undefined): number =>
  sequence === undefined || kind === 'named' ? KINDS[kind] : BUILT_KINDS[kind]

export function encodeToken(token: Token): string {
  const { kind, fingerprint, encapsulatedKey, sequence, ciphertext } = token
  const number = Buffer.alloc(sequence === undefined ? 0 : 4)
  if (sequence !== undefined) number.writeUInt32BE(sequence)
  const isP256 = tokenSuite(token) === 'P-256'
  return textOf(isP256 ? 1 : 2, [
    Uint8Array.of(kindByte(kind, sequence)),
    Buffer.from(fingerprint, 'hex'),
    Uint8Array.from(isP256 ? [] : [ML_KEM_1024]),
    encapsulatedKey,
    number,
    ciphertext,
  ])
}

const textOf = (version: 1 | 2, parts: Uint8Array[]) =>
  `kms:v${version}:${Buffer.concat(parts).toString('base64url')}`

type DecodeResult = Token | { invalid: string }

/** Parses a token, or returns why the string is not one. The reason contains none of the string. */
export function decodeToken(text: string): DecodeResult {
  const [, version, body] = /^kms:v([12]):(.*)$/s.exec(text) ?? []
  if (body === undefined) return { invalid: 'its version is not v1 or v2' }
  const bytes = Buffer.from(body, 'base64url')
  // Node's decoder skips characters that it does not know: only canonical text decodes to itself.
  if (bytes.toString('base64url') !== body) return { invalid: 'it is not canonical base64url' }
  const suiteByte = version === '2' ? bytes[HEAD] : undefined
  if (suiteByte !== undefined && suiteByte !== ML_KEM_1024)
    return { invalid: 'its suite is unknown: a later version of unplugin-kms made it' }
  return decodeBytes(bytes, version === '1' ? 'P-256' : 'ML-KEM-1024')
}

const CUT_OFF = { invalid: 'it is too short, as if cut off' }
/** Bytes of kind and fingerprint. */
const HEAD = 9

const keyOf = <T extends string>(kinds: Record<T, number>, byte: number | undefined) =>
  (Object.keys(kinds) as T[]).find((name) => kinds[name] === byte)

function decodeBytes(bytes: Buffer, suite: Suite): DecodeResult {
  const start = suite === 'P-256' ? HEAD : HEAD + 1
  const end = start + SUITES[suite].encapsulatedKeyBytes
  const built = keyOf(BUILT_KINDS, bytes[0])
  const rest = built ? end + 4 : end
  if (bytes.length <= rest + TAG) return CUT_OFF
  const kind = built ?? keyOf(KINDS, bytes[0])
  if (!kind) return { invalid: 'its kind is unknown' }
  const encapsulatedKey = bytes.subarray(start, end)
  if (suite === 'P-256' && encapsulatedKey[0] !== UNCOMPRESSED_POINT)
    return { invalid: 'its encapsulated key is not an uncompressed point' }
  return {
    kind,
    fingerprint: bytes.subarray(1, HEAD).toString('hex'),
    encapsulatedKey,
    ...(built && { sequence: bytes.readUInt32BE(end) }),
    ciphertext: bytes.subarray(rest),
  }
}

/** Returns how the strings of a pair's tokens begin: kind and fingerprint are twelve characters. */
export const tokenPrefixes = (fingerprint: string): string[] => {
  const kinds = [...Object.values(KINDS), ...Object.values(BUILT_KINDS)]
  return ([1, 2] as const).flatMap((version) =>
    kinds.map((kind) => textOf(version, [Uint8Array.of(kind), Buffer.from(fingerprint, 'hex')])),
  )
}

/** Returns the additional data that a tag authenticates: the kind, and the name if it is bound to one. */
export function aad(tokenKind: Kind, name: string, sequence?: number): Buffer {
  const kind = kindByte(tokenKind, sequence)
  return Buffer.concat([Uint8Array.of(kind), Buffer.from(kind % 2 ? '' : name, 'utf8')])
}

/** HPKE's `info`: binds every message to this format. */
export const INFO = Buffer.from('unplugin-kms/v1', 'utf8')
