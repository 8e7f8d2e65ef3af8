import { partitionOf, rootArn } from '../arn.js'
import type { GrantRecord, KeyRecord } from '../account/state.js'
import { AwsError } from '../errors.js'
import type { Call } from '../protocol/call.js'
import {
  list,
  oneOf,
  required,
  string,
  stringMap,
  structure,
  unsupported,
} from '../protocol/schema.js'
import { operation } from '../protocol/service.js'
import { authorizeKey } from './authorize.js'
import { findKeyById } from './find-key.js'
import type { FoundKey } from './found-key.js'
import { checkGrantTokens, findGrantByToken, putGrant } from './grants.js'
import { checkPrincipals } from './key-policy.js'
import { requireEnabled } from './key-state.js'
import * as m from './members.js'

const PRINCIPAL = string({ min: 1, max: 256, pattern: /^[\w+=,.@:/-]+$/ })
const GRANT_ID = string({ min: 1, max: 128 })
const OPERATIONS = {
  SYMMETRIC_DEFAULT: [
    'Decrypt',
    'Encrypt',
    'GenerateDataKey',
    'GenerateDataKeyWithoutPlaintext',
    'ReEncryptFrom',
    'ReEncryptTo',
    'CreateGrant',
    'RetireGrant',
    'DescribeKey',
    'GenerateDataKeyPair',
    'GenerateDataKeyPairWithoutPlaintext',
  ],
  RSA: [
    'Decrypt',
    'Encrypt',
    'ReEncryptFrom',
    'ReEncryptTo',
    'GetPublicKey',
    'CreateGrant',
    'RetireGrant',
    'DescribeKey',
  ],
}

export const CreateGrant = operation(
  {
    KeyId: m.keyId,
    GranteePrincipal: PRINCIPAL,
    RetiringPrincipal: PRINCIPAL,
    GranteeServicePrincipal: unsupported(),
    RetiringServicePrincipal: unsupported(),
    Operations: required(
      list(
        required(
          oneOf(
            ...OPERATIONS.SYMMETRIC_DEFAULT,
            'GetPublicKey',
            'Sign',
            'Verify',
            'GenerateMac',
            'VerifyMac',
            'DeriveSharedSecret',
            'Encapsulate',
            'Decapsulate',
          ),
        ),
      ),
    ),
    Constraints: structure({
      EncryptionContextSubset: stringMap(),
      EncryptionContextEquals: stringMap(),
      SourceArn: unsupported(),
    }),
    GrantTokens: m.grantTokens,
    Name: string({ min: 1, max: 256, pattern: /^[a-zA-Z0-9:/_-]+$/ }),
    DryRun: m.dryRun,
  },
  (call, input) => {
    const found = findKeyById(call, input.KeyId)
    const { GranteePrincipal: grantee, RetiringPrincipal: retiring, Operations } = input
    const { EncryptionContextEquals: equals, EncryptionContextSubset: subset } =
      input.Constraints ?? {}
    authorizeKey(
      call,
      'CreateGrant',
      found,
      [
        ['kms:GrantIsForAWSResource', false],
        ['kms:GrantOperations', Operations],
        ['kms:GranteePrincipal', grantee],
        ['kms:RetiringPrincipal', retiring],
        ['kms:GrantConstraintType', constraintType(equals, subset)],
      ],
      { grantOperations: Operations },
    )
    requireEnabled(found)
    checkGrantTokens(call, input.GrantTokens)
    if (grantee === undefined) {
      throw new AwsError('ValidationException', 'GranteePrincipal is required.')
    }
    const principals = retiring === undefined ? [grantee] : [grantee, retiring]
    if (!checkPrincipals(call, principals)) {
      throw new AwsError('InvalidArnException', 'The principal in the grant is not valid.')
    }
    requireOperations(found, Operations, equals ?? subset)
    m.endDryRun(input.DryRun)
    const grant = {
      granteePrincipal: grantee,
      operations: Operations,
      ...(retiring !== undefined && { retiringPrincipal: retiring }),
      ...(input.Name !== undefined && { name: input.Name }),
      ...(equals && { encryptionContextEquals: equals }),
      ...(subset && { encryptionContextSubset: subset }),
    }
    // A repeated request with the same name returns the grant that exists.
    const { grantId, token } =
      findRepeated(found.key, grant) ?? putGrant(found.key, { ...grant, createdAt: call.now })
    call.account.save()
    return { GrantId: grantId, GrantToken: token }
  },
)

const constraintType = (equals: object | undefined, subset: object | undefined) =>
  equals ? 'EncryptionContextEquals' : subset && 'EncryptionContextSubset'

function findRepeated(
  { grants = [] }: KeyRecord,
  grant: Omit<GrantRecord, 'grantId' | 'token' | 'createdAt'>,
): GrantRecord | undefined {
  if (grant.name === undefined) return undefined
  const comparable = ({ name, granteePrincipal, retiringPrincipal, ...rest }: typeof grant) =>
    JSON.stringify([
      name,
      granteePrincipal,
      retiringPrincipal,
      [...rest.operations].sort(),
      rest.encryptionContextEquals,
      rest.encryptionContextSubset,
    ])
  return grants.find((one) => comparable(one) === comparable(grant))
}

/** @throws AwsError ValidationException for operations or constraints that the key cannot have */
function requireOperations(
  { key }: FoundKey,
  operations: readonly string[],
  constraint: object | undefined,
): void {
  const isSymmetric = key.spec === 'SYMMETRIC_DEFAULT'
  const valid = OPERATIONS[isSymmetric ? 'SYMMETRIC_DEFAULT' : 'RSA']
  const invalid = operations.filter((name) => !valid.includes(name))
  if (invalid.length > 0 || operations.length === 0) {
    throw new AwsError(
      'ValidationException',
      `Grant operations [${invalid.join(', ')}] are not valid for key spec ${key.spec}.`,
    )
  }
  if (constraint === undefined || isSymmetric) return
  throw new AwsError(
    'ValidationException',
    'Encryption context constraints are not supported for asymmetric keys.',
  )
}

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
