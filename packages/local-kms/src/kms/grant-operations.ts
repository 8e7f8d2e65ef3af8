import { partitionOf, rootArn } from '../arn.js'
import type { GrantRecord } from '../account/state.js'
import { AwsError } from '../errors.js'
import type { Call } from '../protocol/call.js'
import { required, string, unsupported } from '../protocol/schema.js'
import { operation } from '../protocol/service.js'
import { authorizeKey } from './authorize.js'
import { findKeyById } from './find-key.js'
import type { FoundKey } from './found-key.js'
import { findGrantByToken } from './grants.js'
import * as m from './members.js'

const PRINCIPAL = string({ min: 1, max: 256, pattern: /^[\w+=,.@:/-]+$/ })
const GRANT_ID = string({ min: 1, max: 128 })
export const RetireGrant = operation(
  {
    GrantToken: string({ min: 1, max: 8192 }),
    KeyId: m.optionalKeyId,
    GrantId: GRANT_ID,
    DryRun: m.dryRun,
  },
  (call, { GrantToken, KeyId, GrantId, DryRun }) => {
    const { found, grant } =
      GrantToken === undefined
        ? findGrantById(call, KeyId, GrantId)
        : findGrantOfToken(call, GrantToken)
    const { arn, principalArn } = call.caller
    const isCaller = (principal: string | undefined): boolean =>
      principal === arn || principal === principalArn
    const mayRetire =
      isCaller(grant.retiringPrincipal) ||
      (isCaller(grant.granteePrincipal) && grant.operations.includes('RetireGrant'))
    if (!mayRetire) authorizeKey(call, 'RetireGrant', found)
    m.endDryRun(DryRun)
    removeGrant(call, found, grant)
  },
)

export const RevokeGrant = operation(
  { KeyId: m.keyId, GrantId: required(GRANT_ID), DryRun: m.dryRun },
  (call, { KeyId, GrantId, DryRun }) => {
    const found = findKeyById(call, KeyId)
    authorizeKey(call, 'RevokeGrant', found, [['kms:GrantIsForAWSResource', false]])
    const grant = requireGrant(found, GrantId)
    m.endDryRun(DryRun)
    removeGrant(call, found, grant)
  },
)

function findGrantById(call: Call, keyId: string | undefined, grantId: string | undefined) {
  if (keyId === undefined || grantId === undefined) {
    throw new AwsError(
      'ValidationException',
      'You must specify either a grant token or both a key ID and a grant ID.',
    )
  }
  const found = findKeyById(call, keyId)
  return { found, grant: requireGrant(found, grantId) }
}

function findGrantOfToken(call: Call, token: string) {
  const match = findGrantByToken(call, token)
  if (match === undefined) throw new AwsError('InvalidGrantTokenException')
  return { found: findKeyById(call, match.key.keyId), grant: match.grant }
}

/** @throws AwsError InvalidGrantId- or NotFoundException */
function requireGrant({ key }: FoundKey, grantId: string): GrantRecord {
  if (!/^[0-9a-f]{64}$/.test(grantId)) throw new AwsError('InvalidGrantIdException')
  const grant = key.grants?.find((one) => one.grantId === grantId)
  if (grant !== undefined) return grant
  throw new AwsError('NotFoundException', `Grant ID ${grantId} not found`)
}

function removeGrant(call: Call, { key }: FoundKey, { grantId }: GrantRecord): void {
  key.grants = key.grants?.filter((one) => one.grantId !== grantId) ?? []
  call.account.save()
}

export const ListGrants = operation(
  {
    KeyId: m.keyId,
    GrantId: GRANT_ID,
    GranteePrincipal: PRINCIPAL,
    GranteeServicePrincipal: unsupported(),
    ...m.paging({ max: 100 }),
  },
  (call, { KeyId, GrantId, GranteePrincipal, Limit = 50, Marker }) => {
    const found = findKeyById(call, KeyId)
    authorizeKey(call, 'ListGrants', found)
    const matching = (found.key.grants ?? []).filter(
      ({ grantId, granteePrincipal }) =>
        (GrantId ?? grantId) === grantId &&
        (GranteePrincipal ?? granteePrincipal) === granteePrincipal,
    )
    const { page, ...rest } = m.page(matching, ({ grantId }) => grantId, {
      limit: Limit,
      marker: Marker,
    })
    const issuer = rootArn(partitionOf(call.region), call.account.id)
    return { Grants: page.map((grant) => entryOf(grant, found.arn, issuer)), ...rest }
  },
)

const entryOf = (grant: GrantRecord, arn: string, issuer: string) => ({
  KeyId: arn,
  GrantId: grant.grantId,
  Name: grant.name ?? '',
  GranteePrincipal: grant.granteePrincipal,
  RetiringPrincipal: grant.retiringPrincipal,
  IssuingAccount: issuer,
  Operations: grant.operations,
  CreationDate: new Date(grant.createdAt),
  ...((grant.encryptionContextEquals ?? grant.encryptionContextSubset) && {
    Constraints: {
      EncryptionContextEquals: grant.encryptionContextEquals,
      EncryptionContextSubset: grant.encryptionContextSubset,
    },
  }),
})
