import type { RegionState } from '../account/state.js'
import type { Call } from '../protocol/service.js'
import { replicaRegions } from './multi-region.js'

const DAY_MS = 86_400_000

/** Removes a key whose waiting period is over, and its aliases with it. */
export function forgetDeleted(call: Call, region: RegionState, keyId: string): void {
  const key = region.keys.get(keyId)
  if (key?.state !== 'PendingDeletion' || (key.deletionDate as number) > call.now) return
  region.keys.delete(keyId)
  for (const alias of region.aliases.values()) {
    if (alias.targetKeyId === keyId) region.aliases.delete(alias.name)
  }
  if (key.multiRegion?.type === 'REPLICA' && replicaRegions(call, keyId).length === 0) {
    const primary = call.account.region(key.multiRegion.primaryRegion).keys.get(keyId)
    if (primary?.state === 'PendingReplicaDeletion') {
      primary.state = 'PendingDeletion'
      primary.deletionDate = call.now + (primary.pendingWindowInDays as number) * DAY_MS
    }
  }
  call.account.save()
}
