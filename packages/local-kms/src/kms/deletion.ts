import { AwsError } from '../errors.js'
import { integer } from '../protocol/schema.js'
import { operation } from '../protocol/service.js'
import { authorizeKey } from './authorize.js'
import { findKeyById } from './find-key.js'
import { isPendingDeletion, requireNotPendingDeletion } from './key-state.js'
import * as m from './members.js'
import { replicaRegions } from './multi-region.js'

const DAY_MS = 86_400_000

export const ScheduleKeyDeletion = operation(
  { KeyId: m.keyId, PendingWindowInDays: integer({ min: 1, max: 365 }) },
  (call, { KeyId, PendingWindowInDays: days = 30 }) => {
    const found = findKeyById(call, KeyId)
    const { key, arn } = found
    authorizeKey(call, 'ScheduleKeyDeletion', found, [
      ['kms:ScheduleKeyDeletionPendingWindowInDays', days],
    ])
    if (days < 7 || days > 30) {
      throw new AwsError('ValidationException', 'PendingWindowInDays must be between 7 and 30.')
    }
    requireNotPendingDeletion(found)
    key.pendingWindowInDays = days
    // The waiting period of a primary starts after its last replica is deleted.
    const waits = key.multiRegion?.type === 'PRIMARY' && replicaRegions(call, key.keyId).length > 0
    key.state = waits ? 'PendingReplicaDeletion' : 'PendingDeletion'
    if (!waits) key.deletionDate = call.now + days * DAY_MS
    call.account.save()
    return {
      KeyId: arn,
      ...(!waits && { DeletionDate: new Date(key.deletionDate as number) }),
      KeyState: key.state,
      PendingWindowInDays: days,
    }
  },
)

export const CancelKeyDeletion = operation({ KeyId: m.keyId }, (call, { KeyId }) => {
  const found = findKeyById(call, KeyId)
  const { key, arn } = found
  authorizeKey(call, 'CancelKeyDeletion', found)
  if (!isPendingDeletion(found)) {
    throw new AwsError('KMSInvalidStateException', `${arn} is not pending deletion.`)
  }
  key.state = 'Disabled'
  delete key.deletionDate
  delete key.pendingWindowInDays
  call.account.save()
  return { KeyId: arn }
})
