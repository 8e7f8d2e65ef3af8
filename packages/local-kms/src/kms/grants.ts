import type { KeyRecord } from '../account/state.js'
import type { Caller } from '../auth/caller.js'
import { LocalKmsError } from '../errors.js'

export interface GrantToCreate {
  /** A key ARN. */
  key: string
  /** The ARN of a user, a role or a role's session. */
  granteePrincipal: string
  /** `Decrypt`, `Encrypt`, … */
  operations: string[]
  /** The whole encryption context that the grant is for; any where absent. */
  encryptionContextEquals?: Record<string, string>
}

export function addGrant(
  key: KeyRecord | undefined,
  { key: arn, ...grant }: GrantToCreate,
  createdAt: number,
): void {
  if (!key) throw new LocalKmsError('BAD_OPTION', `key: there is no key ${arn}`)
  const grants = (key.grants ??= [])
  const grantId = String(grants.length + 1).padStart(64, '0')
  grants.push({ ...grant, grantId, createdAt })
}

/** Whether a grant lets the caller do it: grants allow beside the key policy, and deny nothing. */
export const isGranted = (
  { grants = [] }: KeyRecord,
  { arn, principalArn }: Pick<Caller, 'arn' | 'principalArn'>,
  operationName: string,
  encryptionContext: Record<string, string>,
): boolean =>
  grants.some(
    ({ granteePrincipal, operations, encryptionContextEquals }) =>
      [arn, principalArn].includes(granteePrincipal) &&
      operations.includes(operationName) &&
      (encryptionContextEquals === undefined ||
        sameContext(encryptionContextEquals, encryptionContext)),
  )

const sameContext = (one: Record<string, string>, other: Record<string, string>): boolean =>
  JSON.stringify(sortedEntries(one)) === JSON.stringify(sortedEntries(other))

const sortedEntries = (context: Record<string, string>) =>
  Object.entries(context).sort(([one], [other]) => (one < other ? -1 : 1))
