import { aliasArn, keyArn, parseArn } from '../arn.js'
import type { KeyRecord } from '../account/state.js'
import { denied } from '../auth/authorize.js'
import { AwsError } from '../errors.js'
import type { Call } from '../protocol/call.js'
import { deleteExpiredKey } from './expired-keys.js'
import type { FoundKey } from './found-key.js'
import { rotateWhenDue } from './rotation-schedule.js'

const KEY_ID = /^(?:mrk-[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/

/**
 * Finds a key by key id, key ARN, alias name or alias ARN, in the region of the call.
 *
 * @throws AwsError NotFoundException, or InvalidArnException for a malformed ARN
 */
export function findKey(call: Call, identifier: string): FoundKey {
  const { resource } = readIdentifier(call, identifier)
  if (!resource.startsWith('alias/')) return findById(call, resource, identifier)
  const alias = call.account.region(call.region).aliases.get(resource)
  const key = alias && existingKey(call, alias.targetKeyId)
  if (key === undefined) {
    const arn = aliasArn(call.region, call.account.id, resource)
    throw new AwsError('NotFoundException', `Alias ${arn} is not found.`)
  }
  return { ...found(call, key), requestAlias: resource }
}

/** Works as findKey, for operations that do not accept aliases. */
export function findKeyById(call: Call, identifier: string): FoundKey {
  return findById(call, readIdentifier(call, identifier).resource, identifier)
}

/** Returns a key of the call's region, unless it was deleted. */
export function existingKey(call: Call, keyId: string): KeyRecord | undefined {
  deleteExpiredKey(call, keyId)
  return call.account.region(call.region).keys.get(keyId)
}

function findById(call: Call, keyId: string, identifier: string): FoundKey {
  if (!KEY_ID.test(keyId)) throw new AwsError('NotFoundException', `Invalid keyId '${identifier}'`)
  const key = existingKey(call, keyId)
  if (key === undefined) {
    const arn = keyArn(call.region, call.account.id, keyId)
    throw new AwsError('NotFoundException', `Key '${arn}' does not exist`)
  }
  return found(call, key)
}

function found(call: Call, key: KeyRecord): FoundKey {
  rotateWhenDue(call, key)
  const arn = keyArn(call.region, call.account.id, key.keyId)
  call.entry.keyArn = arn
  return { key, arn }
}

/** Returns a key id or `alias/NAME`, after checking the other parts of an ARN. */
function readIdentifier(call: Call, identifier: string): { resource: string } {
  if (!identifier.startsWith('arn:')) return { resource: identifier }
  const arn = parseArn(identifier)
  if (arn === undefined || arn.service !== 'kms' || !/^(?:key|alias)\/./.test(arn.resource)) {
    throw new AwsError('InvalidArnException', `Invalid arn ${identifier}`)
  }
  if (arn.region !== call.region) {
    throw new AwsError('NotFoundException', `Invalid arn ${arn.region}`)
  }
  if (arn.accountId !== call.account.id) {
    const action = `kms:${call.entry.operation}`
    throw denied(call, action, 'no-resource-allow', `resource: ${identifier}`)
  }
  return { resource: arn.resource.replace(/^key\//, '') }
}
