import type { KeyMaterial, KeyRecord } from '../account/state.js'
import type { Call } from '../protocol/call.js'
import { newSymmetricMaterial } from './key-material.js'
import { relatedKeys } from './multi-region.js'

export const DAY_MS = 86_400_000

/** Rotates a key if its automatic rotation is due. Called each time the key is found. */
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

/** Adds new key material. The related keys of a multi-Region key rotate together. */
export function rotate(
  call: Call,
  key: KeyRecord,
  rotation: KeyMaterial['rotation'] & string,
): void {
  const material: KeyMaterial = { ...newSymmetricMaterial(call.now), rotation }
  for (const related of relatedKeys(call, key.keyId)) related.materials.push(material)
}
