import type { KeyMaterial, KeyRecord } from '../account/state.js'
import { AwsError } from '../errors.js'
import { integer } from '../protocol/schema.js'
import { operation, type Call } from '../protocol/service.js'
import { authorizeKey } from './authorize.js'
import { findKeyById, type FoundKey } from './find-key.js'
import { newSymmetricMaterial } from './key-material.js'
import { isPendingDeletion, requireEnabled } from './key-state.js'
import * as m from './members.js'
import { relatedKeys } from './multi-region.js'

const DAY_MS = 86_400_000
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
  const found = findRotatable(call, 'RotateKeyOnDemand', KeyId)
  const { key, arn } = found
  if (key.onDemandRotations >= ON_DEMAND_LIMIT) {
    throw new AwsError('LimitExceededException', `${arn} has reached its on-demand rotation limit.`)
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

/** Rotates a key whose automatic rotation has come due since it was last looked at. */
export function rotateWhenDue(call: Call, key: KeyRecord): void {
  if (key.state !== 'Enabled' || key.rotation === undefined || key.rotation.nextAt > call.now)
    return
  rotate(call, key, 'AUTOMATIC')
  const nextAt = call.now + key.rotation.periodInDays * DAY_MS
  for (const related of relatedKeys(call, key.keyId)) {
    if (related.rotation !== undefined) related.rotation.nextAt = nextAt
  }
  call.account.save()
}

/** The related keys of a multi-Region key rotate together, to the same material. */
function rotate(call: Call, key: KeyRecord, rotation: KeyMaterial['rotation'] & string): void {
  const material: KeyMaterial = { ...newSymmetricMaterial(call.now), rotation }
  for (const related of relatedKeys(call, key.keyId)) related.materials.push(material)
}

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
  if (found.key.manager === 'AWS' || found.key.multiRegion?.type === 'REPLICA') {
    const what = found.key.manager === 'AWS' ? 'an AWS managed key' : 'a multi-Region replica key'
    throw new AwsError(
      'UnsupportedOperationException',
      `${found.arn} is ${what}, which is not valid for ${action}.`,
    )
  }
  return found
}

function requireSymmetric({ key, arn }: FoundKey): void {
  if (key.spec === 'SYMMETRIC_DEFAULT') return
  throw new AwsError(
    'UnsupportedOperationException',
    `${arn} key spec is ${key.spec} which is not valid for this operation.`,
  )
}
