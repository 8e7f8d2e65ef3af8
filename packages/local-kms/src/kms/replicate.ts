import { keyArn } from '../arn.js'
import type { KeyRecord } from '../account/state.js'
import { AwsError } from '../errors.js'
import { boolean, required, string } from '../protocol/schema.js'
import { operation } from '../protocol/service.js'
import { authorizeAccount, authorizeKey } from './authorize.js'
import { findKeyById } from './find-key.js'
import { checkKeyPolicy, defaultKeyPolicy } from './key-policy.js'
import { requireEnabled } from './key-state.js'
import * as m from './members.js'
import { KEY_USAGE, keyMetadata } from './metadata.js'
import { checkTags, tagConditions } from './tags.js'

export const ReplicateKey = operation(
  {
    KeyId: m.keyId,
    ReplicaRegion: required(string({ min: 1, max: 32, pattern: /^([a-z]+-){2,3}\d+$/ })),
    Policy: m.policy,
    BypassPolicyLockoutSafetyCheck: boolean(),
    Description: string({ max: 8192 }),
    Tags: m.tags,
  },
  (call, input) => {
    const found = findKeyById(call, input.KeyId)
    const { key, arn } = found
    const { ReplicaRegion: region } = input
    authorizeKey(call, 'ReplicateKey', found, [['kms:ReplicaRegion', region]])
    const there = { ...call, region }
    authorizeAccount(there, 'CreateKey', '*', [
      ['kms:KeySpec', key.spec],
      ['kms:KeyUsage', KEY_USAGE],
      ['kms:KeyOrigin', 'AWS_KMS'],
      ['kms:MultiRegion', true],
      ['kms:MultiRegionKeyType', 'REPLICA'],
      ['kms:PrimaryRegion', call.region],
      ...tagConditions(input.Tags),
    ])
    if (input.Tags?.length) authorizeAccount(there, 'TagResource')
    requireEnabled(found)
    checkTags(input.Tags)
    if (key.multiRegion?.type !== 'PRIMARY') {
      throw new AwsError(
        'UnsupportedOperationException',
        `${arn} is not a multi-region primary key.`,
      )
    }
    const { keys } = call.account.region(region)
    const replicaArn = keyArn(region, call.account.id, key.keyId)
    if (keys.has(key.keyId)) {
      throw new AwsError('AlreadyExistsException', `Key ${replicaArn} already exists`)
    }
    // Replicas share their key material. Grants are not replicated.
    const { grants: _, ...shared } = key
    const replica: KeyRecord = {
      ...shared,
      createdAt: call.now,
      description: input.Description ?? '',
      policy: input.Policy ?? defaultKeyPolicy(call.account.id, region),
      tags: input.Tags ?? [],
      materials: [...key.materials],
      multiRegion: { type: 'REPLICA', primaryRegion: call.region },
    }
    if (input.Policy !== undefined) {
      const target = { key: replica, arn: replicaArn }
      checkKeyPolicy(there, target, input.Policy, input.BypassPolicyLockoutSafetyCheck)
    }
    keys.set(key.keyId, replica)
    call.account.save()
    // The replica is usable immediately here. In AWS, its state is Creating for some seconds.
    return {
      ReplicaKeyMetadata: {
        ...keyMetadata(call, replica, region),
        KeyState: 'Creating',
        Enabled: false,
        CurrentKeyMaterialId: undefined,
      },
      ReplicaPolicy: replica.policy,
      ...(replica.tags.length > 0 && { ReplicaTags: replica.tags }),
    }
  },
)
