import type { AwsOptions } from '../options.js'
import { ask, clients, reason } from './ask.js'
import { check, type Check } from './check.js'

/** What of a Lambda function's configuration decides whether it reaches KMS. */
export interface FunctionFacts {
  region?: string
  /** Which its sessions bear. */
  name?: string
  /** The role's ARN. */
  role?: string
  vpc?: { vpcId: string; subnetIds: string[] }
  checks: Check[]
}

/** @param name the function's name, or its ARN. */
export async function examineFunction(name: string, aws: AwsOptions): Promise<FunctionFacts> {
  const { GetFunctionConfigurationCommand, LambdaClient } = await import('@aws-sdk/client-lambda')
  const clientFor = clients(aws, async (config) => new LambdaClient(config))
  const lambda = await clientFor(/^arn:[^:]+:lambda:([^:]+):/.exec(name)?.[1])
  const answer = await ask(() =>
    lambda.send(new GetFunctionConfigurationCommand({ FunctionName: name })),
  )
  if (!('got' in answer)) {
    const missing = answer.refused === 'missing'
    const says = missing
      ? `there is no function ${name} in this account and region`
      : `the function ${name}: ${reason(answer, 'lambda:GetFunctionConfiguration')}`
    return { checks: [check(missing ? 'found' : 'unchecked', 'function', says)] }
  }
  const { FunctionArn = name, Role, VpcConfig, Environment } = answer.got
  const { VpcId, SubnetIds = [] } = VpcConfig ?? {}
  return {
    region: FunctionArn.split(':')[3]!,
    name: FunctionArn.split(':')[6]!,
    ...(Role && { role: Role }),
    ...(VpcId && { vpc: { vpcId: VpcId, subnetIds: SubnetIds } }),
    checks: [
      check('ok', 'function', `${FunctionArn} runs as ${Role}`),
      ...checkEndpoint(Environment?.Variables ?? {}),
    ],
  }
}

/** The variables that lead the shim to another host than KMS. */
function checkEndpoint(variables: Record<string, string>): Check[] {
  const name = ['AWS_ENDPOINT_URL_KMS', 'AWS_ENDPOINT_URL'].find((one) => variables[one])
  if (!name) return []
  const host = URL.canParse(variables[name]!)
    ? new URL(variables[name]!).hostname
    : variables[name]!
  const isLocal = /^(localhost|127\.|\[::1\]|host\.docker\.internal$)/.test(host)
  if (!isLocal) return [check('ok', 'endpoint', `the function asks ${host} (${name})`)]
  return [
    check(
      'found',
      'endpoint',
      `the function's ${name} leads it to ${host}, which is not KMS: a setting for development`,
      { fix: `take ${name} out of the function's environment` },
    ),
  ]
}
