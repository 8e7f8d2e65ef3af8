import {
  blob,
  boolean,
  integer,
  list,
  oneOf,
  required,
  string,
  structure,
} from '../protocol/schema.js'
import { AwsError } from '../errors.js'

/** The request members that several operations share, with the limits of KMS's API model. */
export const keyId = required(string({ min: 1, max: 2048 }))
export const optionalKeyId = string({ min: 1, max: 2048 })
export const aliasName = required(string({ min: 1, max: 256, pattern: /^[a-zA-Z0-9:/_-]+$/ }))
export const grantTokens = list(required(string({ min: 1, max: 8192 })), { max: 10 })
export const ciphertextBlob = blob({ max: 6144 })
export const dryRun = boolean()
export const limit = integer({ min: 1, max: 1000 })
export const marker = string({ min: 1, max: 1024, pattern: /^[\u0020-\u00FF]*$/ })
export const policy = string({ min: 1, max: 131_072, pattern: /^[\t\n\r\u0020-\u00FF]+$/ })
export const encryptionAlgorithm = oneOf(
  'SYMMETRIC_DEFAULT',
  'RSAES_OAEP_SHA_1',
  'RSAES_OAEP_SHA_256',
  'SM2PKE',
)
export const tags = list(
  required(
    structure({
      TagKey: required(string({ min: 1, max: 128 })),
      TagValue: required(string({ max: 256 })),
    }),
  ),
)

/** Ends a dry run where the real call would have gone on to succeed. */
export function endDryRun(isDryRun: boolean | undefined): void {
  if (isDryRun === true) {
    throw new AwsError(
      'DryRunOperationException',
      'The request would have succeeded, but the DryRun option is set.',
    )
  }
}

/** No operation of this KMS gives a grant token, so that none can be valid. */
export function refuseGrantTokens(tokens: string[] | undefined): void {
  if (tokens !== undefined && tokens.length > 0) throw new AwsError('InvalidGrantTokenException')
}

/** One page of a list: KMS's Limit, Marker, Truncated and NextMarker. */
export function page<T>(
  items: readonly T[],
  { Limit = 100, Marker }: { Limit?: number | undefined; Marker?: string | undefined },
): { page: T[]; Truncated: boolean; NextMarker?: string } {
  const start = Marker === undefined ? 0 : Number(Buffer.from(Marker, 'base64').toString())
  if (!Number.isInteger(start) || start < 0 || (Marker !== undefined && start === 0)) {
    throw new AwsError('InvalidMarkerException', 'Could not deserialize marker')
  }
  const end = start + Limit
  if (end >= items.length) return { page: items.slice(start), Truncated: false }
  const NextMarker = Buffer.from(String(end)).toString('base64')
  return { page: items.slice(start, end), Truncated: true, NextMarker }
}
