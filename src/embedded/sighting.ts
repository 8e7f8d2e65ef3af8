import { createHash } from 'node:crypto'
import { parseKeyArn } from '../aws/key-arn.js'
import { decodeToken, type Kind } from '../crypto/token.js'
import type { Format } from '../secret/format.js'

/** A token, wherever it stands: its own text tells what it is and to which pair it is sealed. */
export interface TokenSighting {
  what: 'token'
  kind: Kind
  fingerprint: string
  ciphertextSize: number
  /** SHA-256 of the token's text: who compares tokens need not keep them, whatever their size. */
  digest: string
  /** The secret's name or place; absent where the token is no argument of an opening. */
  name?: string
  format: Format
}

/** A data key pair, wrapped. */
export interface PairSighting {
  what: 'pair'
  /** Absent where a minifier took the settings apart from the blobs. */
  fingerprint?: string
  keys: string[]
  /** CiphertextBlobs, one a key. */
  blobs: string[]
  encryptionContext: Record<string, string>
}

/** A secret with a CiphertextBlob of its own. */
export interface DirectSighting {
  what: 'direct'
  name: string
  format: Format
  keys: string[]
  blobs: string[]
  encryptionContext: Record<string, string>
  ciphertextSize: number
  digest: string
}

export interface BrokenSighting {
  what: 'broken'
  reason: string
}

export type Sighting = TokenSighting | PairSighting | DirectSighting | BrokenSighting

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
const isText = (value: unknown): value is string => typeof value === 'string'
const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const formatOf = (value: unknown): Format =>
  value === 'bytes' || value === 'json' ? value : 'text'

/** Shorter, it is the prefix itself, in the shim or in a text about tokens. */
const SHORTEST = 'kms:v1:'.length + 20

/** Whether a text was meant to be a token, whole or not. */
export const isTokenText = (text: string) => text.startsWith('kms:v1:') && text.length >= SHORTEST

/** @param rest what follows the token between the parentheses: name, format. */
export function tokenSighting(text: string, rest: unknown[] = []): Sighting {
  const token = decodeToken(text)
  if ('invalid' in token) return { what: 'broken', reason: token.invalid }
  const [name, format] = rest
  return {
    what: 'token',
    kind: token.kind,
    fingerprint: token.fingerprint,
    ciphertextSize: token.ciphertext.length,
    digest: sha256(text),
    ...(isText(name) && { name }),
    format: formatOf(format),
  }
}

/** What `envelope(…)` or `direct(…)` was called with; null for the arguments of any other call. */
export function wrappedSighting([first, context, third, format]: unknown[]): Sighting | null {
  if (!Array.isArray(first) || !first.length || !isRecord(context)) return null
  if (!Object.values(context).every(isText)) return null
  const wrapped = first.map((blob: unknown) => (Array.isArray(blob) ? (blob as unknown[]) : []))
  if (!wrapped.every(([arn, , blob]) => isText(arn) && parseKeyArn(arn) && isText(blob)))
    return null
  const keys = wrapped.map(([arn]) => arn as string)
  const blobs = wrapped.map(([, , blob]) => blob as string)
  const encryptionContext = context as Record<string, string>
  const opening = { keys, blobs, encryptionContext }
  if (!isText(third)) {
    const fingerprint = isRecord(third) ? third.pair : undefined
    return { what: 'pair', ...(isText(fingerprint) && { fingerprint }), ...opening }
  }
  const blob = blobs[0]!
  return {
    what: 'direct',
    name: third,
    format: formatOf(format),
    ...opening,
    ciphertextSize: Buffer.from(blob, 'base64').length,
    digest: sha256(blob),
  }
}
