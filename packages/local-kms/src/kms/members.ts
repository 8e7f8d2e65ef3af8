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
import { pageOf } from '../protocol/paging.js'

/** Request members of several operations, with the limits of KMS's API model. */
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

/** @throws AwsError DryRunOperationException for a dry run that would have succeeded */
export function endDryRun(isDryRun: boolean | undefined): void {
  if (isDryRun === true) {
    throw new AwsError(
      'DryRunOperationException',
      'The request would have succeeded, but the DryRun option is set.',
    )
  }
}

/** The paging members of a list operation. */
export const paging = ({ max }: { max: number }) => ({
  Limit: integer({ min: 1, max }),
  Marker: string({ min: 1, max: 1024, pattern: /^[\u0020-\u00FF]*$/ }),
})

/** Returns one page of a list, with KMS's members. */
export function page<T>(
  items: readonly T[],
  idOf: (item: T) => string,
  { limit, marker }: { limit: number; marker: string | undefined },
): { page: T[]; Truncated: boolean; NextMarker?: string } {
  const error: [string, string] = ['InvalidMarkerException', 'Could not deserialize marker']
  const { page, next } = pageOf(items, idOf, { limit, marker, error })
  return { page, Truncated: next !== undefined, ...(next !== undefined && { NextMarker: next }) }
}
