import type { GrantRecord, KeyRecord } from '../account/state.js'
import { AwsError } from '../errors.js'
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
import { checkGrantTokens, putGrant } from './grants.js'
import { checkPrincipals } from './key-policy.js'
import { requireEnabled } from './key-state.js'
import * as m from './members.js'

const PRINCIPAL = string({ min: 1, max: 256, pattern: /^[\w+=,.@:/-]+$/ })
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
