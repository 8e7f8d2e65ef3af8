import type { AwsOptions } from '../../options/resolve-options.js'
import { keyArns } from '../../aws/resolve-key-arn.js'
import { identityOf } from '../../aws/caller-identity.js'
import type { KmsCalls } from '../../aws/kms.js'
import { createFetching, type Fetching } from './fetching.js'
import { secretValues, type SecretValue } from './secrets-manager.js'
import { parameters, type Parameter } from './ssm.js'

/** A source of the user's own: gives a secret's value for a reference. */
export type OwnSource = (reference: string) => string | Uint8Array | Promise<string | Uint8Array>

/** What a session fetches from elsewhere, each distinct reference once. */
export interface Remote {
  /** Rejects with the SDK's errors; undefined where there is none of that name or version. */
  parameter(name: string, decrypt: boolean): Promise<Parameter | undefined>
  /** Rejects with the SDK's errors. */
  secretValue(id: string, stage: string | undefined): Promise<SecretValue>
  own: Record<string, OwnSource>
  fetching: Fetching
  /** @throws KmsBuildError KMS_DENIED, KMS_UNREACHABLE, KMS_FAILED. */
  keyArn(keyId: string): Promise<string>
  /** Who AWS says is calling. */
  identity(): Promise<string | undefined>
}

export function createRemote(
  aws: AwsOptions,
  kms: KmsCalls,
  own: Record<string, OwnSource> = {},
): Remote {
  const fetching = createFetching()
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
