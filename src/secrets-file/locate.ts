import { access, constants } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Token } from '../crypto/token.js'
import { KmsBuildError } from '../errors.js'
import type { AwsOptions } from '../options/types.js'
import { didYouMean } from '../util/did-you-mean.js'
import { findUpwards } from '../util/find-upwards.js'
import { unwritable } from '../util/replace-file.js'
import { readSecretsFile, type SecretsFile } from './parse.js'

/** The options of every operation on a secrets file. */
export interface SecretsOptions {
  /**
   * Relative to the working directory; one per stage. Default: `kms-secrets.json` there, or in the
   * nearest parent folder of the same git repository.
   */
  secretsFile?: string
  /** How to reach KMS, for the operations that need it. */
  aws?: AwsOptions
  /** Seal to the file's public key although another one was remembered, and remember this one. */
  trust?: boolean
}

/** Returns the path of the secrets file: in a monorepo, the default may be that of a parent folder. */
export const secretsFilePath = ({ secretsFile }: SecretsOptions) =>
  secretsFile === undefined ? findUpwards('.', 'kms-secrets.json') : resolve(secretsFile)

/** @throws KmsBuildError SECRETS_FILE_MISSING, SECRETS_FILE_INVALID. */
export async function existingSecretsFile(options: SecretsOptions): Promise<SecretsFile> {
  const file = await readSecretsFile(secretsFilePath(options))
  if (!file) throw missing(options)
  return file
}

/**
 * Returns the path of an existing file that may be changed. Called before the user is asked for a
 * value. A read-only file is rejected, although its folder would allow replacing it.
 *
 * @throws KmsBuildError SECRETS_FILE_MISSING, FILE_UNWRITABLE.
 */
export async function existingPath(options: SecretsOptions): Promise<string> {
  const path = secretsFilePath(options)
  await access(path, constants.W_OK).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'ENOENT' ? missing(options) : unwritable(path, error)
  })
  return path
}

function missing(options: SecretsOptions): KmsBuildError {
  return new KmsBuildError(
    'SECRETS_FILE_MISSING',
    `there is no secrets file ${secretsFilePath(options)}. Make one with npx unplugin-kms init --key ID, or name it with --file.`,
  )
}

/** Returns the token of an entry. @throws KmsBuildError NAME_UNKNOWN. */
export function existingEntry({ path, secrets }: SecretsFile, name: string): Token {
  const token = secrets.get(name)
  if (token !== undefined) return token
  throw new KmsBuildError(
    'NAME_UNKNOWN',
    `${path} has no entry named ${name}. ${didYouMean(name, secrets.keys())}npx unplugin-kms list shows its names.`,
  )
}
