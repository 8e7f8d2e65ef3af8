import { aliasArn } from '../arn.js'
import type { KeyRecord } from '../account/state.js'
import { AwsError } from '../errors.js'
import type { Call } from '../protocol/call.js'
import { operation } from '../protocol/service.js'
import { authorizeAccount, authorizeKey } from './authorize.js'
import { existingKey, findKeyById } from './find-key.js'
import type { FoundKey } from './found-key.js'
import { requireNotPendingDeletion } from './key-state.js'
import * as m from './members.js'

/** Operations on aliases need a permission on the alias (IAM policy) and on the key. */
export const CreateAlias = operation(
  { AliasName: m.aliasName, TargetKeyId: m.keyId },
  (call, { AliasName: name, TargetKeyId }) => {
    checkName(name)
    const found = findTarget(call, TargetKeyId)
    authorizeAccount(call, 'CreateAlias', arnOf(call, name))
    authorizeKey(call, 'CreateAlias', found)
    requireNotPendingDeletion(found)
    const { aliases } = call.account.region(call.region)
    if (aliases.has(name)) {
      throw new AwsError(
        'AlreadyExistsException',
        `An alias with the name ${arnOf(call, name)} already exists`,
      )
    }
    const at = call.now
    aliases.set(name, { name, targetKeyId: found.key.keyId, createdAt: at, updatedAt: at })
    call.account.save()
  },
)

export const UpdateAlias = operation(
  { AliasName: m.aliasName, TargetKeyId: m.keyId },
  (call, { AliasName: name, TargetKeyId }) => {
    checkName(name)
    const alias = findAlias(call, name)
    const found = findTarget(call, TargetKeyId)
    authorizeAccount(call, 'UpdateAlias', arnOf(call, name))
    authorizeKey(call, 'UpdateAlias', findKeyById(call, alias.targetKeyId))
    authorizeKey(call, 'UpdateAlias', found)
    call.entry.keyArn = found.arn
    requireNotPendingDeletion(found)
    requireSameType(existingKey(call, alias.targetKeyId), found)
    alias.targetKeyId = found.key.keyId
    alias.updatedAt = call.now
    call.account.save()
  },
)

export const DeleteAlias = operation({ AliasName: m.aliasName }, (call, { AliasName: name }) => {
  checkName(name)
  const alias = findAlias(call, name)
  authorizeAccount(call, 'DeleteAlias', arnOf(call, name))
  authorizeKey(call, 'DeleteAlias', findKeyById(call, alias.targetKeyId))
  call.account.region(call.region).aliases.delete(name)
  call.account.save()
})

export const ListAliases = operation(
  { KeyId: m.optionalKeyId, ...m.paging({ max: 100 }) },
  (call, { KeyId, Limit = 50, Marker }) => {
    authorizeAccount(call, 'ListAliases')
    const only = KeyId === undefined ? undefined : findKeyById(call, KeyId).key.keyId
    const aliases = [...call.account.region(call.region).aliases.values()].filter(
      ({ targetKeyId }) =>
        (only === undefined || targetKeyId === only) && existingKey(call, targetKeyId),
    )
    const { page, ...rest } = m.page(aliases, ({ name }) => name, { limit: Limit, marker: Marker })
    const Aliases = page.map((alias) => ({
      AliasName: alias.name,
      AliasArn: arnOf(call, alias.name),
      TargetKeyId: alias.targetKeyId,
      CreationDate: new Date(alias.createdAt),
      LastUpdatedDate: new Date(alias.updatedAt),
    }))
    return { Aliases, ...rest }
  },
)

function checkName(name: string): void {
  if (!name.startsWith('alias/')) {
    throw new AwsError(
      'ValidationException',
      'Alias must start with the prefix "alias/". Please see ' +
        'https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html',
    )
  }
  if (name.startsWith('alias/aws/')) throw new AwsError('NotAuthorizedException')
  if (name === 'alias/' || name.includes(':')) {
    throw new AwsError(
      'InvalidAliasNameException',
      `${name} contains invalid characters for an alias`,
    )
  }
}

function findAlias(call: Call, name: string) {
  const alias = call.account.region(call.region).aliases.get(name)
  if (alias === undefined) {
    throw new AwsError('NotFoundException', `Alias ${arnOf(call, name)} is not found.`)
  }
  return alias
}

function findTarget(call: Call, keyId: string): FoundKey {
  if (call.account.region(call.region).aliases.has(keyId)) {
    throw new AwsError('ValidationException', 'Aliases must refer to keys. Not aliases')
  }
  return findKeyById(call, keyId)
}

/** Checks that both keys are symmetric, or both asymmetric. */
function requireSameType(from: KeyRecord | undefined, { key, arn }: FoundKey): void {
  const isSymmetric = ({ spec }: KeyRecord): boolean => spec === 'SYMMETRIC_DEFAULT'
  if (from === undefined || isSymmetric(from) === isSymmetric(key)) return
  throw new AwsError(
    'ValidationException',
    `The alias belongs to a key of spec ${from.spec}. ${arn} has spec ${key.spec}, which is another type.`,
  )
}

const arnOf = (call: Call, name: string): string => aliasArn(call.region, call.account.id, name)
