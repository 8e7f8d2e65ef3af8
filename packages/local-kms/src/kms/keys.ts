import { randomUUID } from 'node:crypto'
import { keyArn } from '../arn.js'
import type { KeyRecord } from '../account/state.js'
import { AwsError } from '../errors.js'
import { boolean, oneOf, required, string, unsupported } from '../protocol/schema.js'
import { operation } from '../protocol/service.js'
import { authorizeAccount, authorizeKey } from './authorize.js'
import { existingKey, findKey, findKeyById } from './find-key.js'
import { checkGrantTokens } from './grants.js'
import { checkKeyPolicy, defaultKeyPolicy } from './key-policy.js'
import { newMaterial } from './key-material.js'
import { requireNotPendingDeletion } from './key-state.js'
import * as m from './members.js'
import { KEY_USAGE, keyMetadata } from './metadata.js'
import { checkTags, tagConditions } from './tags.js'

const KEY_SPEC = oneOf(
  'RSA_2048',
  'RSA_3072',
  'RSA_4096',
  'ECC_NIST_P256',
  'ECC_NIST_P384',
  'ECC_NIST_P521',
  'ECC_SECG_P256K1',
  'SYMMETRIC_DEFAULT',
  'HMAC_224',
  'HMAC_256',
  'HMAC_384',
  'HMAC_512',
  'SM2',
  'ML_DSA_44',
  'ML_DSA_65',
  'ML_DSA_87',
  'ECC_NIST_EDWARDS25519',
  'ML_KEM_512',
  'ML_KEM_768',
  'ML_KEM_1024',
)

/** The key specs of each key usage. */
const SPECS: Readonly<Record<string, RegExp>> = {
  ENCRYPT_DECRYPT: /^(?:SYMMETRIC_DEFAULT|RSA_\d+|SM2)$/,
  SIGN_VERIFY: /^(?:RSA_|ECC_|SM2|ML_DSA_)/,
  GENERATE_VERIFY_MAC: /^HMAC_/,
  KEY_AGREEMENT: /^(?:ECC_NIST_P|SM2)/,
  ENCAPSULATE_DECAPSULATE: /^ML_KEM_/,
}

/** @throws AwsError ValidationException */
function requireCompatible(spec: string, usage = KEY_USAGE): void {
  if (SPECS[usage]?.test(spec)) return
  throw new AwsError(
    'ValidationException',
    `KeyUsage ${usage} is not compatible with KeySpec ${spec}`,
  )
}

export const CreateKey = operation(
  {
    Policy: m.policy,
    Description: string({ max: 8192 }),
    KeyUsage: oneOf(
      'SIGN_VERIFY',
      'ENCRYPT_DECRYPT',
      'GENERATE_VERIFY_MAC',
      'KEY_AGREEMENT',
      'ENCAPSULATE_DECAPSULATE',
    ),
    KeySpec: KEY_SPEC,
    CustomerMasterKeySpec: KEY_SPEC,
    Origin: oneOf('AWS_KMS', 'EXTERNAL', 'AWS_CLOUDHSM', 'EXTERNAL_KEY_STORE'),
    BypassPolicyLockoutSafetyCheck: boolean(),
    Tags: m.tags,
    MultiRegion: boolean(),
    CustomKeyStoreId: unsupported(),
    XksKeyId: unsupported(),
  },
  async (call, input) => {
    if (input.KeySpec !== undefined && input.CustomerMasterKeySpec !== undefined) {
      throw new AwsError(
        'ValidationException',
        'You cannot specify KeySpec and CustomerMasterKeySpec in the same request. ' +
          'CustomerMasterKeySpec is deprecated.',
      )
    }
    const spec = input.KeySpec ?? input.CustomerMasterKeySpec ?? 'SYMMETRIC_DEFAULT'
    authorizeAccount(call, 'CreateKey', '*', [
      ...tagConditions(input.Tags),
      ['kms:KeySpec', spec],
      ['kms:KeyUsage', input.KeyUsage ?? KEY_USAGE],
      ['kms:KeyOrigin', input.Origin ?? 'AWS_KMS'],
      ['kms:MultiRegion', input.MultiRegion ?? false],
      ['kms:BypassPolicyLockoutSafetyCheck', input.BypassPolicyLockoutSafetyCheck ?? false],
    ])
    if (input.Tags?.length) authorizeAccount(call, 'TagResource')
    if (spec !== 'SYMMETRIC_DEFAULT' && input.KeyUsage === undefined) {
      throw new AwsError(
        'ValidationException',
        'You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.',
      )
    }
    checkTags(input.Tags)
    requireCompatible(spec, input.KeyUsage)
    if (!isSupported(spec) || (input.KeyUsage ?? KEY_USAGE) !== KEY_USAGE) {
      throw new AwsError(
        'UnsupportedOperationException',
        `The local KMS does not support KeySpec ${spec} with KeyUsage ${input.KeyUsage}. It ` +
          'supports SYMMETRIC_DEFAULT and RSA keys with ENCRYPT_DECRYPT.',
      )
    }
    if ((input.Origin ?? 'AWS_KMS') !== 'AWS_KMS') {
      throw new AwsError(
        'UnsupportedOperationException',
        `The local KMS does not support Origin ${input.Origin}.`,
      )
    }
    const id = randomUUID()
    const keyId = input.MultiRegion === true ? `mrk-${id.replaceAll('-', '')}` : id
    const key: KeyRecord = {
      keyId,
      createdAt: call.now,
      description: input.Description ?? '',
      spec,
      manager: 'CUSTOMER',
      state: 'Enabled',
      policy: input.Policy ?? defaultKeyPolicy(call.account.id, call.region),
      tags: input.Tags ?? [],
      materials: [await newMaterial(spec, call.now)],
      onDemandRotations: 0,
      ...(input.MultiRegion === true && {
        multiRegion: { type: 'PRIMARY', primaryRegion: call.region },
      }),
    }
    const arn = keyArn(call.region, call.account.id, keyId)
    if (input.Policy !== undefined) {
      checkKeyPolicy(call, { key, arn }, input.Policy, input.BypassPolicyLockoutSafetyCheck)
    }
    call.account.region(call.region).keys.set(keyId, key)
    call.account.save()
    call.entry.keyArn = arn
    return { KeyMetadata: keyMetadata(call, key) }
  },
)

const isSupported = (spec: string): spec is KeyRecord['spec'] =>
  ['SYMMETRIC_DEFAULT', 'RSA_2048', 'RSA_3072', 'RSA_4096'].includes(spec)

export const DescribeKey = operation(
  { KeyId: m.keyId, GrantTokens: m.grantTokens },
  (call, { KeyId, GrantTokens }) => {
    const found = findKey(call, KeyId)
    authorizeKey(call, 'DescribeKey', found)
    checkGrantTokens(call, GrantTokens)
    return { KeyMetadata: keyMetadata(call, found.key) }
  },
)

export const ListKeys = operation(m.paging({ max: 1000 }), (call, { Limit = 100, Marker }) => {
  authorizeAccount(call, 'ListKeys')
  const ids = [...call.account.region(call.region).keys.keys()]
  const existing = ids.filter((keyId) => existingKey(call, keyId) !== undefined)
  const { page, ...rest } = m.page(existing, (id) => id, { limit: Limit, marker: Marker })
  const Keys = page.map((KeyId) => ({
    KeyId,
    KeyArn: keyArn(call.region, call.account.id, KeyId),
  }))
  return { Keys, ...rest }
})

export const EnableKey = operation({ KeyId: m.keyId }, (call, { KeyId }) => {
  const found = findKeyById(call, KeyId)
  authorizeKey(call, 'EnableKey', found)
  requireNotPendingDeletion(found)
  found.key.state = 'Enabled'
  call.account.save()
})

export const DisableKey = operation({ KeyId: m.keyId }, (call, { KeyId }) => {
  const found = findKeyById(call, KeyId)
  authorizeKey(call, 'DisableKey', found)
  requireNotPendingDeletion(found)
  found.key.state = 'Disabled'
  call.account.save()
})

export const UpdateKeyDescription = operation(
  { KeyId: m.keyId, Description: required(string({ max: 8192 })) },
  (call, { KeyId, Description }) => {
    const found = findKeyById(call, KeyId)
    authorizeKey(call, 'UpdateKeyDescription', found)
    requireNotPendingDeletion(found)
    found.key.description = Description
    call.account.save()
  },
)
