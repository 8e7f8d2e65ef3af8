import type { Account } from '../account/account.js'
import { parseArn, serviceArn } from '../arn.js'
import type { FunctionToCreate } from '../account/lambda-function.js'
import { authorizeByIam } from '../auth/authorize.js'
import { AwsError } from '../errors.js'
import { required, string } from '../protocol/schema.js'
import { operation, type Operations } from '../protocol/service.js'

export function createFunction(
  account: Account,
  { region, ...made }: FunctionToCreate & { region: string },
): string {
  const arn = serviceArn('lambda', region, account.id, `function:${made.name}`)
  account.functions.set(arn, made)
  return arn
}

const GetFunctionConfiguration = operation(
  { FunctionName: required(string({ min: 1, max: 256 })) },
  (call, { FunctionName }) => {
    const name = (parseArn(FunctionName)?.resource ?? FunctionName).replace(/^function:/, '')
    const arn = serviceArn('lambda', call.region, call.account.id, `function:${name}`)
    call.entry.resource = arn
    authorizeByIam(call, 'lambda:GetFunctionConfiguration', arn)
    const found = call.account.functions.get(arn)
    if (found === undefined) {
      throw new AwsError('ResourceNotFoundException', `Function not found: ${arn}`, { status: 404 })
    }
    return {
      FunctionName: name,
      FunctionArn: arn,
      Role: found.role,
      State: 'Active',
      ...(found.environment && { Environment: { Variables: found.environment } }),
      ...(found.vpc && {
        VpcConfig: { VpcId: found.vpc.vpcId, SubnetIds: found.vpc.subnetIds, SecurityGroupIds: [] },
      }),
    }
  },
)

export const lambdaOperations = { GetFunctionConfiguration } satisfies Operations
