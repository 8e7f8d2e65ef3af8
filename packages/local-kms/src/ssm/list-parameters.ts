import type { ParameterRecord, ParameterVersion } from '../account/state.js'
import { serviceArn } from '../arn.js'
import { authorizeByIam } from '../auth/authorize.js'
import { AwsError } from '../errors.js'
import type { Call } from '../protocol/call.js'
import { pageOf } from '../protocol/paging.js'
import {
  boolean,
  integer,
  list,
  oneOf,
  required,
  string,
  structure,
  unsupported,
} from '../protocol/schema.js'
import { operation } from '../protocol/service.js'
import { parameterArn } from './names.js'
import {
  checkFilters,
  FILTERS,
  isBelow,
  selectVersion,
  VALUES,
  type Filter,
} from './parameter-filters.js'
import { NAME, parameterOf } from './parameters.js'

export const GetParametersByPath = operation(
  {
    Path: NAME,
    Recursive: boolean(),
    ParameterFilters: FILTERS,
    WithDecryption: boolean(),
    MaxResults: integer({ min: 1, max: 10 }),
    NextToken: string(),
  },
  async (call, input) => {
    const { Path, Recursive = false, ParameterFilters = [], MaxResults = 10, NextToken } = input
    const arn = parameterArn(call, Path)
    call.entry.resource = arn
    authorizeByIam(call, 'ssm:GetParametersByPath', arn, [['ssm:Recursive', Recursive]])
    checkPath(Path)
    checkFilters(ParameterFilters, ['Type', 'KeyId', 'Label', 'DataType'])
    const found = selectPath(call, Path, Recursive).flatMap((parameter) => {
      const version = selectVersion(parameter, ParameterFilters)
      return version === undefined ? [] : [{ parameter, version }]
    })
    const { page, next } = pageOf(found, ({ parameter }) => parameter.name, {
      limit: MaxResults,
      marker: NextToken,
      error: INVALID_TOKEN,
    })
    const Parameters = await Promise.all(
      page.map(({ parameter: { name }, version }) =>
        parameterOf(call, { name, selector: undefined }, version, input.WithDecryption),
      ),
    )
    return { Parameters, ...(next !== undefined && { NextToken: next }) }
  },
)

export const DescribeParameters = operation(
  {
    Filters: list(
      required(
        structure({
          Key: required(oneOf('Name', 'Type', 'KeyId')),
          Values: required(list(required(string({ min: 1, max: 1024 })), VALUES)),
        }),
      ),
    ),
    ParameterFilters: FILTERS,
    MaxResults: integer({ min: 1, max: 50 }),
    NextToken: string(),
    Shared: unsupported(),
  },
  (call, { Filters = [], ParameterFilters = [], MaxResults = 50, NextToken }) => {
    authorizeByIam(
      call,
      'ssm:DescribeParameters',
      serviceArn('ssm', call.region, call.account.id, '*'),
    )
    checkFilters(ParameterFilters, ['Name', 'Type', 'KeyId', 'Path', 'Tier', 'DataType', 'tag'])
    const filters: Filter[] = [
      ...ParameterFilters,
      ...Filters.map(({ Key, Values }) => ({ Key, Values, Option: 'BeginsWith' })),
    ]
    const all = [...call.account.region(call.region).parameters.values()]
    const found = all.filter((parameter) => selectVersion(parameter, filters) !== undefined)
    const { page, next } = pageOf(found, ({ name }) => name, {
      limit: MaxResults,
      marker: NextToken,
      error: INVALID_TOKEN,
    })
    return {
      Parameters: page.map((parameter) => describe(call, parameter)),
      ...(next !== undefined && { NextToken: next }),
    }
  },
)

const INVALID_TOKEN: [string, string] = ['InvalidNextToken', 'The specified token is not valid.']

function describe(call: Call, { name, versions }: ParameterRecord): object {
  const version = versions.at(-1) as ParameterVersion
  return {
    Name: name,
    ARN: parameterArn(call, name),
    Type: version.type,
    KeyId: version.keyId,
    LastModifiedDate: new Date(version.modifiedAt),
    LastModifiedUser: version.modifiedBy,
    Description: version.description,
    Version: version.version,
    Tier: version.tier,
    Policies: [],
    DataType: version.dataType,
  }
}

/** @throws AwsError ValidationException */
function checkPath(path: string): void {
  if (/^\/(?:[\w.-]+\/?)*$/.test(path) && !path.includes('//')) return
  throw new AwsError(
    'ValidationException',
    "The parameter doesn't meet the parameter name requirements. The parameter name must begin " +
      'with a forward slash "/". It can\'t be prefixed with "aws" or "ssm" (case-insensitive). It ' +
      'must use only letters, numbers, or the following symbols: . (period), - (hyphen), _ ' +
      '(underscore). Special characters are not allowed. All sub-paths, if specified, must use ' +
      'the forward slash symbol "/". Valid example: /get/parameters2-/by1./path0_.',
  )
}

const selectPath = (call: Call, path: string, recursive: boolean): ParameterRecord[] =>
  [...call.account.region(call.region).parameters.values()].filter(({ name }) =>
    isBelow(name, path, recursive),
  )
