import type { KeyRecord } from '../account/state.js'
import type { Call } from '../protocol/call.js'
import { relatedKeys } from './multi-region.js'

const DAY_MS = 86_400_000

/**
 * Deletes a key and its aliases in all regions if its waiting period is over. The waiting period of
 * a primary starts when that of its last replica ends.
 */
export function deleteExpiredKey(call: Call, keyId: string): void {
  const isDue = ({ state, deletionDate }: KeyRecord): boolean =>
    state === 'PendingDeletion' && (deletionDate as number) <= call.now
  const related = relatedKeys(call, keyId)
  const primary = related.find(({ state }) => state === 'PendingReplicaDeletion')
  const replicas = related.filter((key) => key !== primary)
  if (primary !== undefined && replicas.every(isDue)) {
    const lastGone = Math.max(...replicas.map(({ deletionDate }) => deletionDate as number))
    primary.state = 'PendingDeletion'
    primary.deletionDate = lastGone + (primary.pendingWindowInDays as number) * DAY_MS
  }
  if (!related.some(isDue)) return
  for (const { keys, aliases } of call.account.state.regions.values()) {
    const key = keys.get(keyId)
    if (key === undefined || !isDue(key)) continue
    keys.delete(keyId)
    for (const { name, targetKeyId } of aliases.values()) {
      if (targetKeyId === keyId) aliases.delete(name)
    }
  }
  call.account.save()
}
