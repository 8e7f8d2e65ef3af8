import { AwsError } from '../errors.js'
import { integer } from '../protocol/schema.js'
import type { Call } from '../protocol/call.js'
import { operation } from '../protocol/service.js'
import { authorizeKey } from './authorize.js'
import { findKeyById } from './find-key.js'
import type { FoundKey } from './found-key.js'
import { isPendingDeletion, requireEnabled } from './key-state.js'
import * as m from './members.js'
import { relatedKeys } from './multi-region.js'
import { DAY_MS, rotate } from './rotation-schedule.js'

const ON_DEMAND_LIMIT = 25

export const EnableKeyRotation = operation(
  { KeyId: m.keyId, RotationPeriodInDays: integer({ min: 90, max: 2560 }) },
  (call, { KeyId, RotationPeriodInDays: periodInDays = 365 }) => {
    const found = findRotatable(call, 'EnableKeyRotation', KeyId, [
      ['kms:RotationPeriodInDays', periodInDays],
    ])
    const nextAt = call.now + periodInDays * DAY_MS
    for (const key of relatedKeys(call, found.key.keyId)) key.rotation = { periodInDays, nextAt }
    call.account.save()
  },
)

export const DisableKeyRotation = operation({ KeyId: m.keyId }, (call, { KeyId }) => {
  const found = findRotatable(call, 'DisableKeyRotation', KeyId)
  for (const key of relatedKeys(call, found.key.keyId)) delete key.rotation
  call.account.save()
})

export const RotateKeyOnDemand = operation({ KeyId: m.keyId }, (call, { KeyId }) => {
  const found = findKeyById(call, KeyId)
  const { key, arn } = found
  authorizeKey(call, 'RotateKeyOnDemand', found)
  requireEnabled(found)
  if (key.spec !== 'SYMMETRIC_DEFAULT') throw new AwsError('UnsupportedOperationException')
  requireRotatable(found, 'RotateKeyOnDemand')
  if (key.onDemandRotations >= ON_DEMAND_LIMIT) {
    throw new AwsError(
      'LimitExceededException',
      'The on-demand rotations limit has been reached for the given keyId. No more on-demand ' +
        `rotations can be performed for this key: ${arn}`,
    )
  }
  rotate(call, key, 'ON_DEMAND')
  for (const related of relatedKeys(call, key.keyId)) related.onDemandRotations += 1
  call.account.save()
  return { KeyId: arn }
})

export const GetKeyRotationStatus = operation({ KeyId: m.keyId }, (call, { KeyId }) => {
  const found = findKeyById(call, KeyId)
  const { key, arn } = found
  authorizeKey(call, 'GetKeyRotationStatus', found)
  requireSymmetric(found)
  if (key.rotation === undefined || isPendingDeletion(found)) {
    return { KeyId: arn, KeyRotationEnabled: false }
  }
  return {
    KeyId: arn,
    KeyRotationEnabled: true,
    RotationPeriodInDays: key.rotation.periodInDays,
    NextRotationDate: new Date(key.rotation.nextAt),
  }
})

function findRotatable(
  call: Call,
  action: string,
  keyId: string,
  conditions: [string, number][] = [],
): FoundKey {
  const found = findKeyById(call, keyId)
  authorizeKey(call, action, found, conditions)
  requireSymmetric(found)
  requireEnabled(found)
  requireRotatable(found, action)
  return found
}

/** @throws AwsError UnsupportedOperationException for AWS managed keys and replica keys */
function requireRotatable({ key, arn }: FoundKey, action: string): void {
  if (key.manager !== 'AWS' && key.multiRegion?.type !== 'REPLICA') return
  const kind = key.manager === 'AWS' ? 'an AWS managed key' : 'a multi-Region replica key'
  throw new AwsError(
    'UnsupportedOperationException',
    `${arn} is ${kind}, which is not valid for ${action}.`,
  )
}

function requireSymmetric({ key, arn }: FoundKey): void {
  if (key.spec === 'SYMMETRIC_DEFAULT') return
  throw new AwsError(
    'UnsupportedOperationException',
    `${arn} key spec is ${key.spec} which is not valid for this operation.`,
  )
}
