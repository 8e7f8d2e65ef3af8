import type { SecretRecord } from '../account/state.js'
import { authorizeByIam } from '../auth/authorize.js'
import { AwsError } from '../errors.js'
import { pageOf } from '../protocol/paging.js'
import { boolean, integer, list, oneOf, required, string, structure } from '../protocol/schema.js'
import { operation } from '../protocol/service.js'
import { findSecret, SECRET_ID } from './find-secret.js'
import { stagesById } from './version-stages.js'

export const DescribeSecret = operation({ SecretId: SECRET_ID }, (call, { SecretId }) => {
  const secret = findSecret(call, 'DescribeSecret', SecretId)
  const stages = stagesById(secret)
  return {
    ...describe(secret),
    ...(Object.keys(stages).length > 0 && { VersionIdsToStages: stages }),
  }
})

/** Returns the members that DescribeSecret and ListSecrets have in common. Omits empty members. */
const describe = (secret: SecretRecord) => ({
  ARN: secret.arn,
  Name: secret.name,
  ...(secret.description && { Description: secret.description }),
  KmsKeyId: secret.kmsKeyId,
  CreatedDate: new Date(secret.createdAt),
  LastChangedDate: new Date(secret.changedAt),
  ...(secret.accessedAt !== undefined && { LastAccessedDate: new Date(secret.accessedAt) }),
  ...(secret.deletionDate !== undefined && { DeletedDate: new Date(secret.deletionDate) }),
  ...(secret.tags.length > 0 && { Tags: secret.tags }),
})

export const PAGING = {
  MaxResults: integer({ min: 1, max: 100 }),
  NextToken: string({ min: 1, max: 4096 }),
}

export const INVALID_TOKEN: [string, string] = ['InvalidNextTokenException', 'Invalid token']

export const ListSecrets = operation(
  {
    ...PAGING,
    IncludePlannedDeletion: boolean(),
    Filters: list(
      required(
        structure({
          Key: oneOf(
            'description',
            'name',
            'tag-key',
            'tag-value',
            'primary-region',
            'owning-service',
            'all',
          ),
          Values: list(required(string({ max: 512 })), { min: 1, max: 10 }),
        }),
      ),
      { max: 10 },
    ),
    SortOrder: oneOf('asc', 'desc'),
    SortBy: oneOf('created-date', 'last-accessed-date', 'last-changed-date', 'name'),
  },
  (call, input) => {
    const { IncludePlannedDeletion = false, Filters = [], MaxResults = 100 } = input
    const { SortOrder = 'desc', SortBy = 'created-date' } = input
    authorizeByIam(call, 'secretsmanager:ListSecrets', '*')
    const direction = SortOrder === 'asc' ? 1 : -1
    const found = [...call.account.region(call.region).secrets.values()]
      .filter(({ deletionDate }) => (deletionDate ?? Infinity) > call.now)
      .filter(({ deletionDate }) => IncludePlannedDeletion || deletionDate === undefined)
      .filter((secret) => Filters.every((filter) => matches(secret, filter)))
      .sort((a, b) => direction * (sortKey(a, SortBy) < sortKey(b, SortBy) ? -1 : 1))
    const positions = new Map(found.map(({ arn }, i) => [arn, String(i).padStart(9, '0')]))
    const { page, next } = pageOf(found, ({ arn }) => positions.get(arn) as string, {
      limit: MaxResults,
      marker: input.NextToken,
      error: INVALID_TOKEN,
    })
    const SecretList = page.map((secret) => {
      const stages = stagesById(secret)
      return {
        ...describe(secret),
        ...(Object.keys(stages).length > 0 && { SecretVersionsToStages: stages }),
      }
    })
    return { SecretList, ...(next !== undefined && { NextToken: next }) }
  },
)

function sortKey(secret: SecretRecord, by: string): string | number {
  if (by === 'name') return secret.name
  if (by === 'last-accessed-date') return secret.accessedAt ?? 0
  return by === 'last-changed-date' ? secret.changedAt : secret.createdAt
}

interface Filter {
  readonly Key: string | undefined
  readonly Values: string[] | undefined
}

function matches(secret: SecretRecord, { Key: key, Values: values }: Filter): boolean {
  if (key === undefined || values === undefined) {
    throw new AwsError('InvalidParameterException', 'Invalid filter key or values')
  }
  return values.some((value) => {
    const isNegated = value.startsWith('!')
    return matchesValue(secret, key, isNegated ? value.slice(1) : value) !== isNegated
  })
}

function matchesValue(secret: SecretRecord, key: string, value: string): boolean {
  const { name, description = '', tags } = secret
  const ignoresCase = key === 'description' || key === 'all'
  const wanted = ignoresCase ? value.toLowerCase() : value
  const attributes: Record<string, string[]> = {
    name: [name],
    description: [description],
    'tag-key': tags.map(({ Key }) => Key),
    'tag-value': tags.map(({ Value }) => Value),
  }
  if (key !== 'all') {
    return (attributes[key] ?? []).some((text) =>
      (ignoresCase ? text.toLowerCase() : text).startsWith(wanted),
    )
  }
  const words = Object.values(attributes)
    .flat()
    .flatMap((text) => [text, ...text.split(/[^\p{L}\p{N}]+/u)])
  return wanted
    .split(/\s+/)
    .some((word) => words.some((text) => text.toLowerCase().startsWith(word)))
}
