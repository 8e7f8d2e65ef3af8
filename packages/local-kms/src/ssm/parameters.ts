import type { ParameterRecord, ParameterVersion } from '../account/state.js'
import { authorizeByIam } from '../auth/authorize.js'
import { AwsError } from '../errors.js'
import type { Call } from '../protocol/call.js'
import { boolean, list, oneOf, required, string, unsupported } from '../protocol/schema.js'
import { operation } from '../protocol/service.js'
import { checkNewName, parameterArn, parameterKey, readName, type ParameterName } from './names.js'
import { isSecretReference, readSecretReference } from './secret-reference.js'
import { openValue, sealValue } from './secure-string.js'

export const NAME = required(string({ min: 1, max: 2048 }))
const MAX_VERSIONS = 100
const DATA_TYPES = ['text', 'aws:ec2:image', 'aws:ssm:integration']

export const PutParameter = operation(
  {
    Name: NAME,
    Value: required(string({ min: 1, sensitive: true })),
    Type: oneOf('String', 'StringList', 'SecureString'),
    Tier: oneOf('Standard', 'Advanced', 'Intelligent-Tiering'),
    DataType: string({ max: 128 }),
    Description: string({ max: 1024 }),
    KeyId: string({ min: 1, max: 256 }),
    Overwrite: boolean(),
    AllowedPattern: unsupported(),
    Policies: unsupported(),
    Tags: unsupported(),
  },
  async (call, input) => {
    const { Name: name, DataType: dataType = 'text' } = input
    const key = parameterKey(name)
    const arn = parameterArn(call, name)
    call.entry.resource = arn
    authorizeByIam(call, 'ssm:PutParameter', arn, [['ssm:Overwrite', input.Overwrite ?? false]])
    checkNewName(name)
    const existing = call.account.region(call.region).parameters.get(key)
    if (existing !== undefined && input.Overwrite !== true) {
      throw new AwsError(
        'ParameterAlreadyExists',
        'The parameter already exists. To overwrite this value, set the overwrite option in the ' +
          'request to true.',
      )
    }
    const type = input.Type ?? existing?.versions.at(-1)?.type
    if (type === undefined) {
      throw new AwsError(
        'ValidationException',
        'A parameter type is required when you create a parameter.',
      )
    }
    if (!DATA_TYPES.includes(dataType)) {
      throw new AwsError(
        'ValidationException',
        `The following data type is not supported: ${dataType} (Data type names are all lowercase.)`,
      )
    }
    const tier = chooseTier(input.Tier ?? existing?.versions.at(-1)?.tier, input.Value)
    const secure =
      type === 'SecureString'
        ? await sealValue(call, arn, tier, input.Value, input.KeyId)
        : undefined
    const { parameters } = call.account.region(call.region)
    const remaining = withoutOldest(parameters.get(key) ?? { name, versions: [] })
    const version: ParameterVersion = {
      version: (remaining.versions.at(-1)?.version ?? 0) + 1,
      type,
      tier,
      dataType,
      ...(input.Description !== undefined && { description: input.Description }),
      value: secure?.ciphertext ?? input.Value,
      ...(secure !== undefined && { keyId: secure.keyId }),
      modifiedAt: call.now,
      modifiedBy: call.caller.arn,
    }
    parameters.set(key, { name: remaining.name, versions: [...remaining.versions, version] })
    call.account.save()
    return { Version: version.version, Tier: tier }
  },
)

/**
 * Drops the oldest version of a parameter that has 100.
 *
 * @throws AwsError ParameterMaxVersionLimitExceeded if the oldest version has a label
 */
function withoutOldest({ name, versions }: ParameterRecord): ParameterRecord {
  if (versions.length < MAX_VERSIONS) return { name, versions }
  const [oldest, ...rest] = versions as [ParameterVersion, ...ParameterVersion[]]
  if (!oldest.labels?.length) return { name, versions: rest }
  throw new AwsError(
    'ParameterMaxVersionLimitExceeded',
    `You attempted to create a new version of ${name} by calling the PutParameter API with the ` +
      `overwrite flag. Version ${oldest.version}, the oldest version, can't be deleted because it ` +
      'has a label associated with it. Move the label to another version of the parameter, and ' +
      'try again.',
  )
}

export const GetParameter = operation(
  { Name: NAME, WithDecryption: boolean() },
  async (call, { Name, WithDecryption }) => {
    const wanted = readName(call, Name)
    const arn = parameterArn(call, wanted.name)
    call.entry.resource = arn
    authorizeByIam(call, 'ssm:GetParameter', arn)
    if (isSecretReference(wanted)) {
      return { Parameter: await readSecretReference(call, wanted, WithDecryption) }
    }
    const found = findVersion(call, wanted)
    if (found === 'no-parameter') throw new AwsError('ParameterNotFound')
    if (found === 'no-version') {
      throw new AwsError(
        'ParameterVersionNotFound',
        `Systems Manager could not find version ${wanted.selector} of ${wanted.name}. ` +
          'Verify the version and try again.',
      )
    }
    return { Parameter: await parameterOf(call, wanted, found, WithDecryption) }
  },
)

export const GetParameters = operation(
  { Names: required(list(NAME, { min: 1, max: 10 })), WithDecryption: boolean() },
  async (call, { Names, WithDecryption }) => {
    const names = Names.map((Name) => ({ Name, ...readName(call, Name) }))
    call.entry.resource = names.map(({ name }) => parameterArn(call, name)).join(',')
    for (const { name } of names)
      authorizeByIam(call, 'ssm:GetParameters', parameterArn(call, name))
    const Parameters: object[] = []
    const InvalidParameters: string[] = []
    for (const { Name, ...wanted } of names) {
      const parameter = await readIfExists(call, wanted, WithDecryption)
      if (parameter === undefined) InvalidParameters.push(Name)
      else Parameters.push(parameter)
    }
    return { Parameters, InvalidParameters }
  },
)

async function readIfExists(
  call: Call,
  wanted: ParameterName,
  withDecryption: boolean | undefined,
): Promise<object | undefined> {
  if (isSecretReference(wanted)) {
    return readSecretReference(call, wanted, withDecryption).catch((error: unknown) => {
      if (error instanceof AwsError && error.type === 'ParameterNotFound') return undefined
      throw error
    })
  }
  const found = findVersion(call, wanted)
  return typeof found === 'string' ? undefined : parameterOf(call, wanted, found, withDecryption)
}

export const DeleteParameter = operation({ Name: NAME }, (call, { Name }) => {
  const { name, key } = readName(call, Name)
  const arn = parameterArn(call, name)
  call.entry.resource = arn
  authorizeByIam(call, 'ssm:DeleteParameter', arn)
  const { parameters } = call.account.region(call.region)
  if (!parameters.delete(key)) throw new AwsError('ParameterNotFound')
  call.account.save()
  return {}
})

export const DeleteParameters = operation(
  { Names: required(list(NAME, { min: 1, max: 10 })) },
  (call, { Names }) => {
    const names = Names.map((Name) => ({ Name, ...readName(call, Name) }))
    call.entry.resource = names.map(({ name }) => parameterArn(call, name)).join(',')
    for (const { name } of names)
      authorizeByIam(call, 'ssm:DeleteParameters', parameterArn(call, name))
    const { parameters } = call.account.region(call.region)
    const deleted = names.filter(({ key }) => parameters.delete(key))
    call.account.save()
    return {
      DeletedParameters: deleted.map(({ Name }) => Name),
      InvalidParameters: names.filter((one) => !deleted.includes(one)).map(({ Name }) => Name),
    }
  },
)

/** Returns a version of a parameter as `Parameter` of the answers. */
export async function parameterOf(
  call: Call,
  { name, selector }: Pick<ParameterName, 'name' | 'selector'>,
  version: ParameterVersion,
  withDecryption: boolean | undefined,
): Promise<object> {
  const arn = parameterArn(call, name)
  const decrypt = withDecryption === true && version.type === 'SecureString'
  return {
    Name: name,
    Type: version.type,
    Value: decrypt ? await openValue(call, arn, version) : version.value,
    Version: version.version,
    ...(selector !== undefined && { Selector: `:${selector}` }),
    LastModifiedDate: new Date(version.modifiedAt),
    ARN: arn,
    DataType: version.dataType,
  }
}

function findVersion(
  call: Call,
  { key, selector }: ParameterName,
): ParameterVersion | 'no-parameter' | 'no-version' {
  const parameter = call.account.region(call.region).parameters.get(key)
  if (parameter === undefined) return 'no-parameter'
  if (selector === undefined) return parameter.versions.at(-1) as ParameterVersion
  return parameter.versions.find((v) => isSelected(v, selector)) ?? 'no-version'
}

const isSelected = ({ version, labels }: ParameterVersion, selector: string): boolean =>
  String(version) === selector || labels?.includes(selector) === true

function chooseTier(wanted: string | undefined, value: string): 'Standard' | 'Advanced' {
  const bytes = Buffer.byteLength(value)
  if (wanted === 'Advanced' || (wanted === 'Intelligent-Tiering' && bytes > 4096)) {
    if (bytes <= 8192) return 'Advanced'
    throw tooLarge('Advanced tier parameters support a maximum parameter value of 8192 characters.')
  }
  if (bytes <= 4096) return 'Standard'
  throw tooLarge(
    'Standard tier parameters support a maximum parameter value of 4096 characters. To create a ' +
      'larger parameter value, upgrade the parameter to use the advanced-parameter tier.',
  )
}

const tooLarge = (message: string): AwsError => new AwsError('ValidationException', message)
