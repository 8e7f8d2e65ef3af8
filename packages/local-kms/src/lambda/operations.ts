import type {
  FunctionAlias,
  FunctionVersion,
  LambdaFunction,
  LayerVersion,
} from '../account/lambda-function.js'
import { authorizeByIam } from '../auth/authorize.js'
import { AwsError } from '../errors.js'
import type { Call } from '../protocol/call.js'
import { pageOf } from '../protocol/paging.js'
import { numeral, oneOf, required, string } from '../protocol/schema.js'
import { operation, type Operations } from '../protocol/service.js'
import { codeFacts } from './code.js'
import { configurationOf, lambdaTime, STATE } from './configuration.js'
import { presign } from './download.js'
import { functionArn, readFunctionName, type FunctionReference } from './functions.js'

const FUNCTION_NAME = required(
  string({
    min: 1,
    max: 256,
    pattern:
      /^(?:arn:[\w-]+:lambda:[\w-]+:)?(?:\d{12}:)?(?:function:)?[\w-]+(?::(?:\$LATEST|[\w-]+))?$/,
  }),
)
const QUALIFIER = string({ min: 1, max: 128, pattern: /^[\w$-]+$/ })
/** AWS returns at most 50 items, whatever the request asks for. */
const MAX_PAGE = 50
const PAGING = { Marker: string(), MaxItems: numeral({ min: 1, max: 10_000 }) }

const ListFunctions = operation(
  { MasterRegion: string(), FunctionVersion: oneOf('ALL'), ...PAGING },
  (call, { MasterRegion, FunctionVersion, ...paging }) => {
    authorizeByIam(call, 'lambda:ListFunctions', '*')
    const isOwn =
      MasterRegion === undefined || MasterRegion === 'ALL' || MasterRegion === call.region
    const functions = [...call.account.functions.values()].filter(
      ({ region }) => isOwn && region === call.region,
    )
    const all = FunctionVersion === 'ALL'
    const items = functions.flatMap((found) =>
      (all ? [found.latest, ...found.published] : [found.latest]).map((version) => ({
        found,
        version,
      })),
    )
    const { page, next } = pageItems(
      items,
      ({ found, version }) => `${found.name} ${version.version}`,
      paging,
    )
    return {
      Functions: page.map(({ found, version }) => configurationOf(call, found, version, all)),
      NextMarker: next,
    }
  },
)

const GetFunction = operation(
  { FunctionName: FUNCTION_NAME, Qualifier: QUALIFIER },
  (call, input) => {
    const { found, version, reference } = findFunction(call, 'GetFunction', input)
    const { imageUri } = version
    return {
      Configuration: {
        ...configurationOf(call, found, version, reference.qualifier !== undefined),
        ...STATE,
      },
      Code:
        imageUri === undefined
          ? { RepositoryType: 'S3', Location: presign(call, `${reference.arn}:${version.version}`) }
          : { RepositoryType: 'ECR', ImageUri: imageUri, ResolvedImageUri: imageUri },
      ...tagsOf(call, found, reference),
    }
  },
)

/** Returns the tags, or why the caller may not read them. */
function tagsOf(call: Call, { tags }: LambdaFunction, { arn }: FunctionReference): object {
  if (Object.keys(tags).length === 0) return {}
  try {
    authorizeByIam(call, 'lambda:ListTags', arn)
    return { Tags: tags }
  } catch (error) {
    const { type, message } = error as AwsError
    return { TagsError: { ErrorCode: type, Message: message } }
  }
}

const GetFunctionConfiguration = operation(
  { FunctionName: FUNCTION_NAME, Qualifier: QUALIFIER },
  (call, input) => {
    const { found, version, reference } = findFunction(call, 'GetFunctionConfiguration', input)
    return { ...configurationOf(call, found, version, reference.qualifier !== undefined), ...STATE }
  },
)

const ListVersionsByFunction = operation(
  { FunctionName: FUNCTION_NAME, ...PAGING },
  (call, { FunctionName, ...paging }) => {
    const { found } = findFunction(call, 'ListVersionsByFunction', { FunctionName })
    const versions = [found.latest, ...found.published]
    const { page, next } = pageItems(versions, ({ version }) => version.padStart(12, '0'), paging)
    return {
      Versions: page.map((version) => configurationOf(call, found, version, true)),
      NextMarker: next,
    }
  },
)

const ListAliases = operation(
  { FunctionName: FUNCTION_NAME, FunctionVersion: string(), ...PAGING },
  (call, { FunctionName, FunctionVersion, ...paging }) => {
    const { found } = findFunction(call, 'ListAliases', { FunctionName })
    const aliases = [...found.aliases.values()].filter(
      ({ version }) => FunctionVersion === undefined || version === FunctionVersion,
    )
    const { page, next } = pageItems(aliases, ({ name }) => name, paging)
    return { Aliases: page.map((alias) => describeAlias(call, found, alias)), NextMarker: next }
  },
)

const GetAlias = operation(
  { FunctionName: FUNCTION_NAME, Name: required(string({ min: 1, max: 128 })) },
  (call, { FunctionName, Name }) => {
    const { found, reference } = findFunction(call, 'GetAlias', { FunctionName })
    const alias = found.aliases.get(Name)
    if (alias === undefined) throw notFound(`Cannot find alias arn: ${reference.arn}:${Name}`)
    return describeAlias(call, found, alias)
  },
)

function describeAlias(call: Call, { name, region }: LambdaFunction, alias: FunctionAlias): object {
  const { additionalVersionWeights: weights } = alias
  return {
    AliasArn: `${functionArn(call.account, region, name)}:${alias.name}`,
    Name: alias.name,
    FunctionVersion: alias.version,
    Description: alias.description ?? '',
    ...(weights && { RoutingConfig: { AdditionalVersionWeights: weights } }),
  }
}

const ListTags = operation(
  { Resource: required(string({ min: 1, max: 256 })) },
  (call, { Resource }) => {
    const reference = readFunctionName(call.account, call.region, Resource)
    call.entry.resource = reference.arn
    authorizeByIam(call, 'lambda:ListTags', reference.arn)
    const found = call.account.functions.get(reference.arn)
    if (found === undefined) throw notFound(`Function not found: ${Resource}`)
    return { Tags: found.tags }
  },
)

const GetLayerVersion = operation(
  {
    LayerName: required(string({ min: 1, max: 140 })),
    VersionNumber: required(numeral({ min: 1, max: Number.MAX_SAFE_INTEGER })),
  },
  (call, { LayerName, VersionNumber }) => {
    const isArn = LayerName.startsWith('arn:')
    const name = functionArn(call.account, call.region, LayerName).replace(':function:', ':layer:')
    return describeLayer(call, `${isArn ? LayerName : name}:${VersionNumber}`)
  },
)

const GetLayerVersionByArn = operation(
  { Arn: required(string({ min: 1, max: 140 })) },
  (call, { Arn }) => describeLayer(call, Arn),
)

function describeLayer(call: Call, arn: string): object {
  call.entry.resource = arn
  authorizeByIam(call, 'lambda:GetLayerVersion', arn)
  const layer: LayerVersion | undefined = call.account.layers.get(arn)
  if (layer?.region !== call.region) throw notFound('The resource you requested does not exist.')
  const { size, sha256 } = codeFacts(layer.code)
  return {
    LayerArn: arn.slice(0, arn.lastIndexOf(':')),
    LayerVersionArn: arn,
    Version: layer.version,
    Description: layer.description ?? '',
    CreatedDate: lambdaTime(layer.createdAt),
    CompatibleRuntimes: layer.compatibleRuntimes,
    Content: { Location: presign(call, arn), CodeSha256: sha256, CodeSize: size },
  }
}

/** @throws AwsError AccessDenied- or ResourceNotFoundException */
function findFunction(
  call: Call,
  action: string,
  {
    FunctionName,
    Qualifier,
  }: { readonly FunctionName: string; readonly Qualifier?: string | undefined },
): { found: LambdaFunction; version: FunctionVersion; reference: FunctionReference } {
  const reference = readFunctionName(call.account, call.region, FunctionName, Qualifier)
  const { arn, qualifier } = reference
  const qualified = qualifier === undefined ? arn : `${arn}:${qualifier}`
  call.entry.resource = qualified
  authorizeByIam(call, `lambda:${action}`, qualified)
  const found = call.account.functions.get(arn)
  const wanted = found?.aliases.get(qualifier ?? '')?.version ?? qualifier ?? '$LATEST'
  const version =
    wanted === '$LATEST' ? found?.latest : found?.published.find((one) => one.version === wanted)
  if (found === undefined || version === undefined || found.region !== call.region) {
    throw notFound(`Function not found: ${qualified}`)
  }
  return { found, version, reference }
}

const notFound = (message: string): AwsError =>
  new AwsError('ResourceNotFoundException', message, { status: 404 })

const pageItems = <T>(
  items: readonly T[],
  idOf: (item: T) => string,
  {
    Marker,
    MaxItems = MAX_PAGE,
  }: { readonly Marker?: string | undefined; readonly MaxItems?: number | undefined },
) =>
  pageOf(items, idOf, {
    limit: Math.min(MaxItems, MAX_PAGE),
    marker: Marker,
    error: ['InvalidParameterValueException', 'The pagination marker is not valid.'],
  })

/** The operations of Lambda that read functions, their code and their layers. */
export const lambdaOperations = {
  ListFunctions,
  GetFunction,
  GetFunctionConfiguration,
  ListVersionsByFunction,
  ListAliases,
  GetAlias,
  ListTags,
  GetLayerVersion,
  GetLayerVersionByArn,
} satisfies Operations
