import type { Account } from '../account/account.js'
import type {
  Code,
  FunctionAlias,
  FunctionToCreate,
  LambdaFunction,
  LayerToPublish,
} from '../account/lambda-function.js'
import { parseArn, serviceArn } from '../arn.js'
import { LocalKmsError } from '../errors.js'

/** @returns the function's ARN */
export function createFunction(
  account: Account,
  { name, region, tags = {}, ...made }: FunctionToCreate & { region: string },
  now: number,
): string {
  const arn = functionArn(account, region, name)
  const latest = { lastModified: now, ...made, version: '$LATEST' }
  account.functions.set(arn, { name, region, tags, latest, published: [], aliases: new Map() })
  return arn
}

export const functionArn = (account: Account, region: string, name: string): string =>
  serviceArn('lambda', region, account.id, `function:${name}`)

/** Replaces the code of `$LATEST`. Published versions keep theirs. */
export function updateFunctionCode(account: Account, arn: string, code: Code, now: number): void {
  const found = existing(account, arn)
  const { imageUri: _, ...latest } = found.latest
  found.latest = { ...latest, code, lastModified: now }
}

/** @returns the number of the new version */
export function publishVersion(account: Account, arn: string, now: number): string {
  const { latest, published } = existing(account, arn)
  const version = String(Number(published.at(-1)?.version ?? 0) + 1)
  published.push({ ...latest, version, lastModified: now })
  return version
}

/** Creates or replaces an alias. */
export function putAlias(account: Account, arn: string, alias: FunctionAlias): void {
  existing(account, arn).aliases.set(alias.name, alias)
}

export function deleteFunction(account: Account, arn: string): void {
  existing(account, arn)
  account.functions.delete(arn)
}

/** @returns the ARN of the new layer version */
export function publishLayerVersion(
  account: Account,
  layer: LayerToPublish & { region: string },
  now: number,
): string {
  const layerArn = serviceArn('lambda', layer.region, account.id, `layer:${layer.name}`)
  let version = 1
  while (account.layers.has(`${layerArn}:${version}`)) version += 1
  const arn = `${layerArn}:${version}`
  account.layers.set(arn, { ...layer, version, createdAt: now })
  return arn
}

function existing(account: Account, arn: string): LambdaFunction {
  const found = account.functions.get(arn)
  if (found === undefined) throw new LocalKmsError('BAD_OPTION', `function ${arn} does not exist`)
  return found
}

/** A function as a request names it. */
export interface FunctionReference {
  /** The unqualified ARN. */
  arn: string
  name: string
  qualifier: string | undefined
}

/** Parses a function name, partial ARN or ARN, each with or without a qualifier. */
export function readFunctionName(
  account: Account,
  region: string,
  text: string,
  qualifier?: string,
): FunctionReference {
  const parsed = parseArn(text)
  const local = (parsed?.resource ?? text).replace(/^(?:\d{12}:)?function:/, '')
  const [name = '', inName] = local.split(':')
  const accountId = parsed?.accountId ?? account.id
  const arn = serviceArn('lambda', parsed?.region ?? region, accountId, `function:${name}`)
  return { arn, name, qualifier: qualifier ?? inName }
}
