import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { KmsBuildError } from '../errors.js'
import type { AwsOptions } from '../options.js'
import { readSecretsFile, type SecretsFile } from '../seal/secrets-file.js'

/** What every operation on a secrets file takes. */
export interface SecretsOptions {
  /** Relative to the working directory; one a stage. Default: `kms-secrets.json`. */
  secretsFile?: string
  /** How KMS is reached, by those operations that need it. */
  aws?: AwsOptions
  /** Seal to the file's public key although another one was remembered, and remember this one. */
  trust?: boolean
}

export const secretsFilePath = ({ secretsFile = 'kms-secrets.json' }: SecretsOptions) =>
  resolve(secretsFile)

/** @throws KmsBuildError SECRETS_FILE_MISSING, SECRETS_FILE_INVALID. */
export async function existingSecretsFile(options: SecretsOptions): Promise<SecretsFile> {
  const file = await readSecretsFile(secretsFilePath(options))
  return file ?? missing(options)
}

/** The path of a file that is there, for who reads it later. @throws KmsBuildError SECRETS_FILE_MISSING. */
export function existingPath(options: SecretsOptions): string {
  const path = secretsFilePath(options)
  return existsSync(path) ? path : missing(options)
}

function missing(options: SecretsOptions): never {
  throw new KmsBuildError(
    'SECRETS_FILE_MISSING',
    `there is no secrets file ${secretsFilePath(options)}. Make one with npx unplugin-kms init --key ID, or name it with --file.`,
  )
}

/** The token of an entry that must be there. @throws KmsBuildError NAME_UNKNOWN. */
export function existingEntry({ path, secrets }: SecretsFile, name: string): string {
  const token = secrets.get(name)
  if (token !== undefined) return token
  throw new KmsBuildError(
    'NAME_UNKNOWN',
    `${path} has no secret of that name. npx unplugin-kms list shows those it has.`,
  )
}
