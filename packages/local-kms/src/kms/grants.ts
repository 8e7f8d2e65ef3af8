import { randomBytes } from 'node:crypto'
import type { GrantToCreate } from '../account/grant.js'
import type { GrantRecord, KeyRecord } from '../account/state.js'
import type { Caller } from '../auth/caller.js'
import { AwsError, LocalKmsError } from '../errors.js'
import type { Call } from '../protocol/call.js'

type Context = Readonly<Record<string, string>>

/**
 * Creates a grant for a test, without a call to KMS.
 *
 * @returns the grant id
 */
export function addGrant(
  key: KeyRecord | undefined,
  { key: arn, ...grant }: GrantToCreate,
  createdAt: number,
): string {
  if (!key) throw new LocalKmsError('BAD_OPTION', `createGrant: key ${arn} does not exist`)
  return putGrant(key, { ...grant, createdAt }).grantId
}

/** Adds a grant to a key, with a new grant id and grant token. */
export function putGrant(
  key: KeyRecord,
  grant: Omit<GrantRecord, 'grantId' | 'token'>,
): GrantRecord {
  const grantId = randomBytes(32).toString('hex')
  const record = { ...grant, grantId, token: randomBytes(96).toString('base64') }
  key.grants = [...(key.grants ?? []), record]
  return record
}

/**
 * Checks whether a grant allows the operation to the caller.
 *
 * @param granted for CreateGrant: the operations of the new grant. A grant that allows CreateGrant
 *   only allows grants of its own operations.
 */
export const isGranted = (
  { grants = [] }: KeyRecord,
  { arn, principalArn }: Pick<Caller, 'arn' | 'principalArn'>,
  operationName: string,
  context: Context,
  granted: readonly string[] = [],
): boolean =>
  grants.some(
    (grant) =>
      [arn, principalArn].includes(grant.granteePrincipal) &&
      grant.operations.includes(operationName) &&
      granted.every((operation) => grant.operations.includes(operation)) &&
      (UNCONSTRAINED.has(operationName) || matchesConstraints(grant, context)),
  )

/** Grant constraints do not apply to these operations. */
const UNCONSTRAINED = new Set(['DescribeKey', 'RetireGrant'])

const matchesConstraints = (
  { encryptionContextEquals: equals, encryptionContextSubset: subset }: GrantRecord,
  context: Context,
): boolean =>
  (equals === undefined ||
    (includesContext(context, equals) && includesContext(equals, context))) &&
  (subset === undefined || includesContext(context, subset))

const includesContext = (context: Context, subset: Context): boolean =>
  Object.entries(subset).every(
    ([name, value]) => Object.hasOwn(context, name) && context[name] === value,
  )

/** Finds a grant by its grant token, in the region of the call. */
export function findGrantByToken(
  call: Call,
  token: string,
): { key: KeyRecord; grant: GrantRecord } | undefined {
  for (const key of call.account.region(call.region).keys.values()) {
    const grant = key.grants?.find((one) => one.token === token)
    if (grant !== undefined) return { key, grant }
  }
  return undefined
}

/**
 * Checks the grant tokens of a request. Grants take effect immediately here, so that a valid token
 * changes nothing.
 *
 * @throws AwsError InvalidGrantTokenException
 */
export function checkGrantTokens(call: Call, tokens: readonly string[] | undefined): void {
  if (tokens?.every((token) => findGrantByToken(call, token) !== undefined) === false) {
    throw new AwsError('InvalidGrantTokenException')
  }
}
