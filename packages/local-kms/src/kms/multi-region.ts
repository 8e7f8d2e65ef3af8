import type { KeyRecord } from '../account/state.js'
import type { Call } from '../protocol/call.js'

/** The regions that hold a replica of a multi-Region key. */
export function replicaRegions(call: Call, keyId: string): string[] {
  return [...call.account.state.regions.values()]
    .filter(({ keys }) => keys.get(keyId)?.multiRegion?.type === 'REPLICA')
    .map(({ name }) => name)
}

/** The primary and its replicas: all the records of one multi-Region key, or the one there is. */
export function relatedKeys(call: Call, keyId: string): KeyRecord[] {
  return [...call.account.state.regions.values()]
    .map(({ keys }) => keys.get(keyId))
    .filter((related) => related !== undefined)
}
