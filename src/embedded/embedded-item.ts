import { createHash } from 'node:crypto'
import { parseKeyArn } from '../aws/key-arn.js'
import type { Suite } from '../crypto/suites.js'
import { decodeToken, tokenSuite, type Kind } from '../crypto/token.js'
import type { Format } from '../secret/format.js'
import { suiteFact } from './facts.js'

/** A token. It contains its kind and the fingerprint of its data key pair. */
export interface EmbeddedToken {
  what: 'token'
  kind: Kind
  fingerprint: string
  /** Present if it is not P-256. */
  suite?: Suite
  ciphertextSize: number
  /** SHA-256 of the token as a string, so that tokens of any size can be compared. */
  digest: string
  /** The secret's name or place. Absent if the token is not an argument of the shim. */
  name?: string
  format: Format
}

/** A wrapped data key pair. */
export interface EmbeddedPair {
  what: 'pair'
  /** Absent if a minifier separated the settings from the blobs. */
  fingerprint?: string
  keys: string[]
  /** CiphertextBlobs, one per key. */
  blobs: string[]
  encryptionContext: Record<string, string>
}

/** A secret of mode direct, which has its own CiphertextBlobs. */
export interface EmbeddedDirect {
  what: 'direct'
  name: string
  format: Format
  keys: string[]
  blobs: string[]
  encryptionContext: Record<string, string>
  ciphertextSize: number
  digest: string
}

/** A string that starts like a token and is not a valid one. */
export interface MalformedToken {
  what: 'malformed'
  reason: string
}

export type EmbeddedItem = EmbeddedToken | EmbeddedPair | EmbeddedDirect | MalformedToken

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
const isString = (value: unknown): value is string => typeof value === 'string'
const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const formatOf = (value: unknown): Format =>
  value === 'bytes' || value === 'json' ? value : 'text'

/** Characters. Shorter strings are the prefix itself, in the shim or in messages about tokens. */
const SHORTEST = 'kms:v1:'.length + 20

/** Returns whether a string is meant to be a token, even if it is malformed. */
export const isTokenLike = (text: string) => /^kms:v[12]:/.test(text) && text.length >= SHORTEST

/** @param rest the arguments after the token: name, format. */
export function embeddedToken(text: string, rest: unknown[] = []): EmbeddedItem {
  const token = decodeToken(text)
  if ('invalid' in token) return { what: 'malformed', reason: token.invalid }
  const [name, format] = rest
  return {
    what: 'token',
    kind: token.kind,
    fingerprint: token.fingerprint,
    ...suiteFact(tokenSuite(token)),
    ciphertextSize: token.ciphertext.length,
    digest: sha256(text),
    ...(isString(name) && { name }),
    format: formatOf(format),
  }
}

/** Reads the arguments of `envelope(…)` or `direct(…)`. @returns null for those of any other call. */
export function embeddedCiphertext([
  first,
  context,
  third,
  format,
]: unknown[]): EmbeddedItem | null {
  if (!Array.isArray(first) || !first.length || !isRecord(context)) return null
  if (!Object.values(context).every(isString)) return null
  const wrapped = first.map((blob: unknown) => (Array.isArray(blob) ? (blob as unknown[]) : []))
  if (!wrapped.every(([arn, , blob]) => isString(arn) && parseKeyArn(arn) && isString(blob)))
    return null
  const keys = wrapped.map(([arn]) => arn as string)
  const blobs = wrapped.map(([, , blob]) => blob as string)
  const encryptionContext = context as Record<string, string>
  const common = { keys, blobs, encryptionContext }
  if (!isString(third)) {
    const fingerprint = isRecord(third) ? third.pair : undefined
    return { what: 'pair', ...(isString(fingerprint) && { fingerprint }), ...common }
  }
  const blob = blobs[0]!
  return {
    what: 'direct',
    name: third,
    format: formatOf(format),
    ...common,
    ciphertextSize: Buffer.from(blob, 'base64').length,
    digest: sha256(blob),
  }
}
