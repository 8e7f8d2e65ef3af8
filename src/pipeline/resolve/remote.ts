import { identityOf } from '../../aws/caller-identity.js'
import type { KmsCalls } from '../../aws/kms.js'
import { keyArns } from '../../aws/resolve-key-arn.js'
import type { OwnSource, AwsOptions } from '../../options/types.js'
import { createFetcher } from './fetching.js'
import { showProgress, type Progress } from './progress.js'
import { secretValues } from './secrets-manager.js'
import { parameters } from './ssm.js'
import type { Remote } from './types.js'

export function createRemote(
  aws: AwsOptions,
  kms: KmsCalls,
  own: Record<string, OwnSource> = {},
  progress: Progress = showProgress(),
): Remote {
  const fetching = createFetcher(8, progress)
  const parameter = parameters(aws, fetching.bounded)
  const secretValue = secretValues(aws)
  return {
    parameter: (name, decrypt) =>
      fetching.once(`ssm ${decrypt} ${name}`, () => parameter(name, decrypt)),
    secretValue: (id, stage) =>
      fetching.once(JSON.stringify(['secretsManager', id, stage]), () =>
        fetching.bounded(() => secretValue(id, stage)),
      ),
    own,
    fetching,
    keyArn: keyArns(kms),
    identity: () => identityOf(aws),
  }
}
