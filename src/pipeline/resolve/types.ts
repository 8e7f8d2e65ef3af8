import type { GetSecretValueCommandOutput } from '@aws-sdk/client-secrets-manager'
import type { GetParameterCommandOutput } from '@aws-sdk/client-ssm'
import type { Direct } from '../../crypto/wrapped-secret.js'
import type { OwnSource } from '../../options/types.js'
import type { SecretsFile } from '../../secrets-file/parse.js'
import type { Fetcher } from './fetching.js'

export type Parameter = NonNullable<GetParameterCommandOutput['Parameter']>

export type SecretValue = Pick<GetSecretValueCommandOutput, 'SecretString' | 'SecretBinary'>

/** The sources that a session fetches values from, each distinct reference once. */
export interface Remote {
  /** Rejects with the SDK's errors. Undefined if the name or version does not exist. */
  parameter(name: string, decrypt: boolean): Promise<Parameter | undefined>
  /** Rejects with the SDK's errors. */
  secretValue(id: string, stage: string | undefined): Promise<SecretValue>
  own: Record<string, OwnSource>
  fetching: Fetcher
  /** @throws KmsBuildError KMS_DENIED, KMS_UNREACHABLE, KMS_FAILED. */
  keyArn(keyId: string): Promise<string>
  /** Returns the ARN of the caller. */
  identity(): Promise<string | undefined>
}

/** The value of a mark: a plaintext to seal, or ciphertext to embed unchanged. */
export type Value = { plaintext: Uint8Array } | { token: string; fingerprint: string } | Direct

export interface Sources {
  env: Record<string, string | undefined>
  secretsFile: SecretsFile | null
  /** Where the secrets file is, or would be. */
  secretsFilePath: string
  /** The scopes that marks may use. Empty = all. */
  scopes: string[]
  /** The option `keyId`, else the secrets file's keys. */
  keyIds: string[]
  remote: Remote
}
