import type { AwsOptions } from '../options/types.js'
import { ask, clients, reason } from './ask.js'
import { check, type Check } from './check.js'

/** What of a Lambda function's configuration decides whether it reaches KMS. */
export interface FunctionFacts {
  region?: string
  /** Which its sessions bear. */
  name?: string
  /** The role's ARN. */
  role?: string
  /** To which its environment leads the shim instead of KMS's own. */
  host?: string
  vpc?: { vpcId: string; subnetIds: string[] }
  checks: Check[]
}

/**
 * @param name the function's name, or its ARN.
 * @param keyRegion of the key: where the function is looked for if nothing says its region.
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
    const missing = answer.refused === 'missing'
    const says = missing
      ? `there is no function ${name} in this account in ${set ?? keyRegion}`
      : `the function ${name}: ${reason(answer, 'lambda:GetFunctionConfiguration')}`
    const fix = 'give its ARN, or its region and whose account it is in (--region, --profile)'
    // Where nothing says the region, it may well be in another than the key.
    if (!missing || set === undefined)
      return { checks: [check('unchecked', 'function', says, missing ? { fix } : {})] }
    return { checks: [check('found', 'function', says, { fix })] }
  }
  const { FunctionArn = name, Role, VpcConfig, Environment } = answer.got
  const { VpcId, SubnetIds = [] } = VpcConfig ?? {}
  const endpoint = endpointOf(Environment?.Variables ?? {})
  return {
    region: FunctionArn.split(':')[3]!,
    name: FunctionArn.split(':')[6]!,
    ...(Role && { role: Role }),
    ...(endpoint && { host: endpoint.host }),
    ...(VpcId && { vpc: { vpcId: VpcId, subnetIds: SubnetIds } }),
    checks: [
      check('ok', 'function', `${FunctionArn} runs as ${Role}`),
      ...(endpoint ? [checkEndpoint(endpoint)] : []),
    ],
  }
}

/** The variable that leads the shim to another host than KMS. */
function endpointOf(variables: Record<string, string>): { name: string; host: string } | undefined {
  const name = ['AWS_ENDPOINT_URL_KMS', 'AWS_ENDPOINT_URL'].find((one) => variables[one])
  if (!name) return undefined
  const url = variables[name]!
  return { name, host: URL.canParse(url) ? new URL(url).hostname : url }
}

function checkEndpoint({ name, host }: { name: string; host: string }): Check {
  const isLocal = /^(localhost|127\.|\[::1\]|host\.docker\.internal$)/.test(host)
  if (!isLocal) return check('ok', 'endpoint', `the function asks ${host} (${name})`)
  return check(
    'found',
    'endpoint',
    `the function's ${name} leads it to ${host}, which is not KMS: a setting for development`,
    { fix: `take ${name} out of the function's environment` },
  )
}
