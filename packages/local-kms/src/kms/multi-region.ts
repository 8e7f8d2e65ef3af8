import type { KeyRecord } from '../account/state.js'
import type { Call } from '../protocol/call.js'

/** Returns the regions with a replica of a multi-Region key. */
export function replicaRegions(call: Call, keyId: string): string[] {
  return [...call.account.state.regions.values()]
    .filter(({ keys }) => keys.get(keyId)?.multiRegion?.type === 'REPLICA')
    .map(({ name }) => name)
}

/** Returns the records of a key in all regions: the primary key and its replicas. */
export function relatedKeys(call: Call, keyId: string): KeyRecord[] {
  return [...call.account.state.regions.values()]
    .map(({ keys }) => keys.get(keyId))
    .filter((related) => related !== undefined)
}
