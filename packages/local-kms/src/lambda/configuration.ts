import type { FunctionVersion, LambdaFunction } from '../account/lambda-function.js'
import type { Call } from '../protocol/call.js'
import { codeFacts } from './code.js'
import { functionArn } from './functions.js'

/** Returns a time as Lambda writes it: `2026-01-31T12:00:00.000+0000`. */
export const lambdaTime = (time: number): string =>
  new Date(time).toISOString().replace('Z', '+0000')

/** Returns the members of a FunctionConfiguration that lists have too. */
export function configurationOf(
  call: Call,
  { name, region }: LambdaFunction,
  version: FunctionVersion,
  qualified: boolean,
): object {
  const { environment, vpc, imageUri, layers = [] } = version
  const arn = functionArn(call.account, region, name)
  const isImage = imageUri !== undefined
  const { size, sha256 } = isImage ? { size: 0, sha256: 'image' } : codeFacts(version.code)
  return {
    FunctionName: name,
    FunctionArn: qualified ? `${arn}:${version.version}` : arn,
    ...(!isImage && {
      Runtime: version.runtime ?? 'nodejs22.x',
      Handler: version.handler ?? 'index.handler',
    }),
    Role: version.role,
    CodeSize: size,
    CodeSha256: sha256,
    Description: version.description ?? '',
    Timeout: 3,
    MemorySize: 128,
    LastModified: lambdaTime(version.lastModified),
    Version: version.version,
    ...(environment && { Environment: { Variables: environment } }),
    ...(vpc && {
      VpcConfig: { VpcId: vpc.vpcId, SubnetIds: vpc.subnetIds, SecurityGroupIds: [] },
    }),
    ...(layers.length > 0 && {
      Layers: layers.map((layer) => ({
        Arn: layer,
        CodeSize: codeFacts(call.account.layers.get(layer)?.code).size,
      })),
    }),
    TracingConfig: { Mode: 'PassThrough' },
    PackageType: isImage ? 'Image' : 'Zip',
    Architectures: ['x86_64'],
    EphemeralStorage: { Size: 512 },
    SnapStart: { ApplyOn: 'None', OptimizationStatus: 'Off' },
  }
}

/** The members that lists omit. */
export const STATE = { State: 'Active', LastUpdateStatus: 'Successful' }
