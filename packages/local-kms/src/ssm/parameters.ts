import { serviceArn } from '../arn.js'
import type { ParameterVersion } from '../account/state.js'
import { authorizeByIam } from '../auth/authorize.js'
import { AwsError } from '../errors.js'
import { boolean, list, oneOf, required, string, unsupported } from '../protocol/schema.js'
import type { Call } from '../protocol/call.js'
import { operation, type Operations } from '../protocol/service.js'
import { openValue, sealValue } from './secure-string.js'

const NAME = required(string({ min: 1, max: 2048 }))
const MAX_VERSIONS = 100

const PutParameter = operation(
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
    const name = checkName(input.Name)
    const arn = parameterArn(call, name)
    call.entry.resource = arn
    authorizeByIam(call, 'ssm:PutParameter', arn)
    const existing = call.account.region(call.region).parameters.get(name)
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
    const tier = chooseTier(input.Tier, input.Value)
    const secure =
      type === 'SecureString'
        ? await sealValue(call, arn, tier, input.Value, input.KeyId)
        : undefined
    const { parameters } = call.account.region(call.region)
    const versions = parameters.get(name)?.versions ?? []
    const version: ParameterVersion = {
      version: (versions.at(-1)?.version ?? 0) + 1,
      type,
      tier,
      dataType: input.DataType ?? 'text',
      ...(input.Description !== undefined && { description: input.Description }),
      value: secure?.ciphertext ?? input.Value,
      ...(secure !== undefined && { keyId: secure.keyId }),
      modifiedAt: call.now,
      modifiedBy: call.caller.arn,
    }
    parameters.set(name, { name, versions: [...versions, version].slice(-MAX_VERSIONS) })
    call.account.save()
    return { Version: version.version, Tier: tier }
  },
)

const GetParameter = operation(
  { Name: NAME, WithDecryption: boolean() },
  async (call, { Name, WithDecryption }) => {
    const { name, selector } = readName(call, Name)
    const arn = parameterArn(call, name)
    call.entry.resource = arn
    authorizeByIam(call, 'ssm:GetParameter', arn)
    const found = findVersion(call, name, selector)
    if (found === 'no-parameter') throw new AwsError('ParameterNotFound')
    if (found === 'no-version') {
      throw new AwsError(
        'ParameterVersionNotFound',
        `Systems Manager could not find version ${selector} of ${name}. ` +
          'Verify the version and try again.',
      )
    }
    return { Parameter: await describe(call, name, selector, found, WithDecryption) }
  },
)

const GetParameters = operation(
  { Names: required(list(NAME, { min: 1, max: 10 })), WithDecryption: boolean() },
  async (call, { Names, WithDecryption }) => {
    const names = Names.map((Name) => ({ Name, ...readName(call, Name) }))
    call.entry.resource = names.map(({ name }) => parameterArn(call, name)).join(',')
    for (const { name } of names)
      authorizeByIam(call, 'ssm:GetParameters', parameterArn(call, name))
    const Parameters: object[] = []
    const InvalidParameters: string[] = []
    for (const { Name, name, selector } of names) {
      const found = findVersion(call, name, selector)
      if (typeof found === 'string') InvalidParameters.push(Name)
      else Parameters.push(await describe(call, name, selector, found, WithDecryption))
    }
    return { Parameters, InvalidParameters }
  },
)

const DeleteParameter = operation({ Name: NAME }, (call, { Name }) => {
  const arn = parameterArn(call, Name)
  call.entry.resource = arn
  authorizeByIam(call, 'ssm:DeleteParameter', arn)
  const { parameters } = call.account.region(call.region)
  if (!parameters.delete(Name)) throw new AwsError('ParameterNotFound')
  call.account.save()
  return {}
})

/** The operations of `AmazonSSM` that read and write parameters. */
export const ssmOperations = {
  PutParameter,
  GetParameter,
  GetParameters,
  DeleteParameter,
} satisfies Operations

async function describe(
  call: Call,
  name: string,
  selector: string | undefined,
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
  name: string,
  selector: string | undefined,
): ParameterVersion | 'no-parameter' | 'no-version' {
  const parameter = call.account.region(call.region).parameters.get(name)
  if (parameter === undefined) return 'no-parameter'
  if (selector === undefined) return parameter.versions.at(-1) as ParameterVersion
  return parameter.versions.find((v) => isSelected(v, selector)) ?? 'no-version'
}

const isSelected = ({ version, labels }: ParameterVersion, selector: string): boolean =>
  String(version) === selector || labels?.includes(selector) === true

/** Splits `NAME`, `NAME:VERSION`, `NAME:LABEL` and the ARNs of these. */
function readName(call: Call, text: string): { name: string; selector: string | undefined } {
  const prefix = serviceArn('ssm', call.region, call.account.id, 'parameter')
  const hierarchical = text.startsWith(`${prefix}/`)
  const local = hierarchical ? text.slice(prefix.length) : text
  const [name = '', selector] = local.split(':', 2)
  // `parameter/NAME` stands for `NAME` as well as for `/NAME`: whichever there is.
  const { parameters } = call.account.region(call.region)
  const bare = name.slice(1)
  return { name: hierarchical && !parameters.has(name) ? bare : name, selector }
}

export const parameterArn = (call: Call, name: string): string =>
  serviceArn('ssm', call.region, call.account.id, `parameter/${name.replace(/^\//, '')}`)

function checkName(name: string): string {
  if (/^[a-zA-Z0-9_.\-/]+$/.test(name) && !/^\/?(?:aws|ssm)/i.test(name)) return name
  throw new AwsError(
    'ValidationException',
    'Parameter name: can\'t be prefixed with "ssm" or "aws" (case-insensitive). If formed as a ' +
      'path, it can consist of sub-paths divided by slash symbol; each sub-path can be formed as ' +
      'a mix of letters, numbers and the following 3 symbols .-_',
  )
}

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
