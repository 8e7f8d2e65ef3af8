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

/** How much of a list one answer may hold, as the operation's page in the API reference has it. */
export const paging = ({ max }: { max: number }) => ({
  Limit: integer({ min: 1, max }),
  Marker: string({ min: 1, max: 1024, pattern: /^[\u0020-\u00FF]*$/ }),
})

/**
 * One page of a list, by KMS's Limit, Marker, Truncated and NextMarker. A marker names the last item
 * shown, so that what is deleted meanwhile moves none of the others.
 */
export function page<T>(
  items: readonly T[],
  idOf: (item: T) => string,
  { limit, marker }: { limit: number; marker: string | undefined },
): { page: T[]; Truncated: boolean; NextMarker?: string } {
  const last = marker === undefined ? '' : readMarker(marker)
  const rest = items
    .filter((item) => idOf(item) > last)
    .sort((a, b) => (idOf(a) < idOf(b) ? -1 : 1))
  const shown = rest.slice(0, limit)
  if (shown.length === rest.length) return { page: shown, Truncated: false }
  const NextMarker = Buffer.from(`${MARKER}${idOf(shown.at(-1) as T)}`).toString('base64')
  return { page: shown, Truncated: true, NextMarker }
}

const MARKER = 'after '

function readMarker(marker: string): string {
  const text = Buffer.from(marker, 'base64').toString()
  if (text.startsWith(MARKER)) return text.slice(MARKER.length)
  throw new AwsError('InvalidMarkerException', 'Could not deserialize marker')
}
