import type { Tag } from '../account/state.js'
import { AwsError } from '../errors.js'
import { list, required, string } from '../protocol/schema.js'
import { operation } from '../protocol/service.js'
import { authorizeKey } from './authorize.js'
import { findKeyById } from './find-key.js'
import { requireNotPendingDeletion } from './key-state.js'
import * as m from './members.js'

const MAX_TAGS = 50

/** @throws AwsError TagException */
export function checkTags(tags: readonly Tag[] = []): void {
  const keys = tags.map(({ TagKey }) => TagKey)
  if (new Set(keys).size < keys.length) throw new AwsError('TagException', 'Duplicate tag keys')
  if (keys.length > MAX_TAGS) throw new AwsError('TagException', 'Too many tags')
  checkTagKeys(keys)
}

function checkTagKeys(keys: readonly string[]): void {
  if (keys.some((key) => /^aws:/i.test(key))) {
    throw new AwsError('TagException', 'Tags beginning with aws: are reserved')
  }
}

/** Returns the condition keys of a request that adds tags. */
export const tagConditions = (
  tags: readonly Tag[] = [],
): [string, string | string[] | undefined][] => [
  ...tags.map(({ TagKey, TagValue }): [string, string] => [`aws:RequestTag/${TagKey}`, TagValue]),
  ['aws:TagKeys', tags.length > 0 ? tags.map(({ TagKey }) => TagKey) : undefined],
]

export const TagResource = operation(
  { KeyId: m.keyId, Tags: required(m.tags) },
  (call, { KeyId, Tags }) => {
    const found = findKeyById(call, KeyId)
    authorizeKey(call, 'TagResource', found, tagConditions(Tags))
    requireNotPendingDeletion(found)
    checkTags(Tags)
    const added = new Set(Tags.map(({ TagKey }) => TagKey))
    const tags = [...found.key.tags.filter(({ TagKey }) => !added.has(TagKey)), ...Tags]
    checkTags(tags)
    found.key.tags = tags
    call.account.save()
  },
)

export const UntagResource = operation(
  { KeyId: m.keyId, TagKeys: required(list(required(string({ min: 1, max: 128 })))) },
  (call, { KeyId, TagKeys }) => {
    const found = findKeyById(call, KeyId)
    authorizeKey(call, 'UntagResource', found, [['aws:TagKeys', TagKeys]])
    requireNotPendingDeletion(found)
    checkTagKeys(TagKeys)
    found.key.tags = found.key.tags.filter(({ TagKey }) => !TagKeys.includes(TagKey))
    call.account.save()
  },
)

export const ListResourceTags = operation(
  { KeyId: m.keyId, ...m.paging({ max: 50 }) },
  (call, { KeyId, Limit = 50, Marker }) => {
    const found = findKeyById(call, KeyId)
    authorizeKey(call, 'ListResourceTags', found)
    const { page: Tags, ...rest } = m.page(found.key.tags, ({ TagKey }) => TagKey, {
      limit: Limit,
      marker: Marker,
    })
    return { Tags, ...rest }
  },
)
