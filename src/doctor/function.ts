import type { AwsOptions } from '../options/types.js'
import { nodeWithoutMlKem } from '../pipeline/node-target.js'
import { ask, clients, reason } from './ask.js'
import { check, type Check } from './check.js'

/** The configuration of a Lambda function that determines whether it reaches KMS. */
export interface FunctionFacts {
  region?: string
  /** The function's name, which is also the name of its role sessions. */
  name?: string
  /** The role's ARN. */
  role?: string
  /** The host that its environment sets in place of KMS's. */
  host?: string
  /** Such as `nodejs24.x`; absent for container images. */
  runtime?: string
  vpc?: { vpcId: string; subnetIds: string[] }
  checks: Check[]
}

/**
 * Reads the configuration of a function.
 *
 * @param name the function's name, or its ARN.
 * @param keyRegion the region of the key, used if no region is set.
 */
export async function examineFunction(
  name: string,
  aws: AwsOptions,
  keyRegion: string | undefined,
): Promise<FunctionFacts> {
  const { GetFunctionConfigurationCommand, LambdaClient } = await import('@aws-sdk/client-lambda')
  const clientFor = clients(aws, 'Lambda', async (config) => new LambdaClient(config))
  const own = await clientFor(/^arn:[^:]+:lambda:([^:]+):/.exec(name)?.[1])
  const set = await own.config.region().catch(() => undefined)
  const lambda = set === undefined ? await clientFor(keyRegion) : own
  const answer = await ask(() =>
    lambda.send(new GetFunctionConfigurationCommand({ FunctionName: name })),
  )
  if (!('got' in answer)) {
    if (answer.refused !== 'missing') {
      const why = reason(answer, 'lambda:GetFunctionConfiguration')
      return { checks: [check('unchecked', 'function', 'FUNCTION_UNKNOWN', { name, reason: why })] }
    }
    // If no region is set, the function may be in another region than the key.
    const status = set === undefined ? 'unchecked' : 'found'
    const region = String(set ?? keyRegion)
    return { checks: [check(status, 'function', 'FUNCTION_MISSING', { name, region })] }
  }
  const { FunctionArn = name, Role, Runtime, VpcConfig, Environment } = answer.got
  const { VpcId, SubnetIds = [] } = VpcConfig ?? {}
  const endpoint = endpointOf(Environment?.Variables ?? {})
  return {
    region: FunctionArn.split(':')[3]!,
    name: FunctionArn.split(':')[6]!,
    ...(Role && { role: Role }),
    ...(Runtime && { runtime: Runtime }),
    ...(endpoint && { host: endpoint.host }),
    ...(VpcId && { vpc: { vpcId: VpcId, subnetIds: SubnetIds } }),
    checks: [
      check('ok', 'function', 'FUNCTION_FOUND', { arn: FunctionArn, role: String(Role) }),
      ...(endpoint ? [checkEndpoint(endpoint)] : []),
    ],
  }
}

/** Checks that a function's Node.js opens ML-KEM pairs, if there are any. */
export function checkRuntime({ name, runtime }: FunctionFacts, needsMlKem: boolean): Check[] {
  if (!needsMlKem || !name) return []
  if (!runtime?.startsWith('nodejs')) {
    const data = { name, runtime: runtime ?? 'a container image' }
    return [check('unchecked', 'function', 'RUNTIME_UNKNOWN', data)]
  }
  return nodeWithoutMlKem(runtime)
    ? [check('found', 'function', 'RUNTIME_UNSUPPORTED', { name, runtime })]
    : [check('ok', 'function', 'RUNTIME_SUPPORTED', { name, runtime })]
}

/** Returns the variable that points the shim to another host than KMS. */
function endpointOf(
  variables: Record<string, string>,
): { variable: string; host: string } | undefined {
  const variable = ['AWS_ENDPOINT_URL_KMS', 'AWS_ENDPOINT_URL'].find((one) => variables[one])
  if (!variable) return undefined
  const url = variables[variable]!
  return { variable, host: URL.canParse(url) ? new URL(url).hostname : url }
}

const LOCAL = /^(localhost|127\.|\[::1\]|host\.docker\.internal$)/

const checkEndpoint = (endpoint: { variable: string; host: string }): Check =>
  LOCAL.test(endpoint.host)
    ? check('found', 'endpoint', 'ENDPOINT_LOCAL', endpoint)
    : check('ok', 'endpoint', 'ENDPOINT_CONFIGURED', endpoint)
