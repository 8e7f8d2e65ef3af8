import type { ParameterRecord, ParameterVersion } from '../account/state.js'
import { AwsError } from '../errors.js'
import { list, required, string, structure } from '../protocol/schema.js'

export const VALUES = { min: 1, max: 50 }
export const FILTERS = list(
  required(
    structure({
      Key: required(
        string({
          min: 1,
          max: 132,
          pattern: /^(?:tag:.+|Name|Type|KeyId|Path|Label|Tier|DataType)$/,
        }),
      ),
      Option: string({ min: 1, max: 10 }),
      Values: list(required(string({ min: 1, max: 1024 })), VALUES),
    }),
  ),
)

export interface Filter {
  readonly Key: string
  readonly Option?: string | undefined
  readonly Values?: string[] | undefined
}

/** Returns whether a parameter is in a folder of the path. */
export function isBelow(name: string, path: string, recursive: boolean): boolean {
  const folder = path.endsWith('/') ? path : `${path}/`
  const full = name.startsWith('/') ? name : `/${name}`
  return full.startsWith(folder) && (recursive || !full.slice(folder.length).includes('/'))
}

/**
 * Checks the filters of a request.
 *
 * @throws AwsError InvalidFilterKey, InvalidFilterOption or InvalidFilterValue
 */
export function checkFilters(filters: readonly Filter[], valid: string[]): void {
  const seen = new Set<string>()
  for (const { Key, Option, Values } of filters) {
    const kind = Key.startsWith('tag:') ? 'tag' : Key
    if (!valid.includes(kind)) {
      throw new AwsError(
        'InvalidFilterKey',
        `The following filter key is not valid: ${Key}. Valid filter keys include: ` +
          `[${valid.join(', ')}].`,
      )
    }
    if (seen.has(Key)) {
      throw new AwsError(
        'InvalidFilterKey',
        `The following filter is duplicated in the request: ${Key}. A request can contain only ` +
          'one occurrence of a specific filter.',
      )
    }
    seen.add(Key)
    if (kind !== 'tag' && Values === undefined) {
      throw new AwsError(
        'InvalidFilterValue',
        `The following filter values are missing : null for filter key ${Key}.`,
      )
    }
    const options = optionsOf(kind)
    if (Option !== undefined && !options.includes(Option)) {
      throw new AwsError(
        'InvalidFilterOption',
        `The following filter option is not valid: ${Option}. Valid options include: ` +
          `[${options.join(', ')}].`,
      )
    }
  }
}

function optionsOf(kind: string): string[] {
  if (kind === 'Path') return ['Recursive', 'OneLevel']
  return kind === 'Name' ? ['BeginsWith', 'Equals', 'Contains'] : ['BeginsWith', 'Equals']
}

/** Returns the newest version that matches all filters: with a label filter, a labelled version. */
export function selectVersion(
  { name, versions }: ParameterRecord,
  filters: readonly Filter[],
): ParameterVersion | undefined {
  const byLabel = filters.some(({ Key }) => Key === 'Label')
  const candidates = byLabel ? versions.toReversed() : versions.slice(-1)
  return candidates.find((version) => filters.every((filter) => matches(name, version, filter)))
}

function matches(
  name: string,
  version: ParameterVersion,
  { Key, Option = 'Equals', Values = [] }: Filter,
): boolean {
  if (Key === 'Path') {
    return Values.some((path) => isBelow(name, path, Option === 'Recursive'))
  }
  const compare = (actual: string, value: string): boolean => {
    if (Option === 'BeginsWith') return actual.startsWith(value)
    return Option === 'Contains' ? actual.includes(value) : actual === value
  }
  return valuesOf(name, version, Key).some((actual) =>
    Values.some((value) => compare(actual, value)),
  )
}

function valuesOf(name: string, version: ParameterVersion, key: string): string[] {
  switch (key) {
    case 'Name':
      return [name]
    case 'Type':
      return [version.type]
    case 'KeyId':
      return version.keyId === undefined ? [] : [version.keyId]
    case 'Tier':
      return [version.tier]
    case 'DataType':
      return [version.dataType]
    case 'Label':
      return version.labels ?? []
    default:
      return []
  }
}
