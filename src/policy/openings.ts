import { kmsCalls } from '../aws/kms.js'
import { keyArns } from '../aws/resolve-key-arn.js'
import { contextText } from '../crypto/data-key-pair.js'
import type { Inspection } from '../inspect/inspect.js'
import type { AwsOptions } from '../options/types.js'
import { existingSecretsFile, type SecretsOptions } from '../secrets-file/locate.js'
import type { SecretsFile } from '../secrets-file/parse.js'
import { currentPair, scopeNames } from '../secrets-file/scopes.js'

/** One kms:Decrypt that opening takes. */
export interface Opening {
  keyArn: string
  encryptionContext: Record<string, string>
}

/** What is to be opened: what keys and context say, built bundles, or else the secrets file. */
export interface OpeningsOptions extends SecretsOptions {
  /** Built files, folders or zips of them: what they carry is opened. */
  bundles?: string[]
  /** The plugin's option keyId, of a build without a secrets file: ids, ARNs or aliases. */
  keyIds?: string[]
  /** The scopes of the secrets file. Default: all. */
  scopes?: string[]
  /** The plugin's option encryptionContext. */
  encryptionContext?: Record<string, string>
}

/**
 * @throws KmsBuildError SECRETS_FILE_MISSING, SECRETS_FILE_INVALID, FILE_UNREADABLE; KMS_DENIED,
 *   KMS_UNREACHABLE, KMS_FAILED where an alias or a bare key id has to be resolved.
 */
export async function openingsOf(options: OpeningsOptions): Promise<Opening[]> {
  const { bundles = [], keyIds = [], scopes, encryptionContext = {}, aws = {} } = options
  if (bundles.length) return openingsOfBundles(bundles)
  if (!keyIds.length) return openingsOfFile(await existingSecretsFile(options), scopes)
  const arns = await resolveKeys(keyIds, aws)
  return arns.map((keyArn) => ({ keyArn, encryptionContext }))
}

/**
 * Returns the calls for all pairs of some scopes, or of all: a deployed bundle may be older than the last
 * rotation.
 *
 * @throws KmsBuildError SCOPE_UNKNOWN.
 */
export function openingsOfFile(file: SecretsFile, scopes = scopeNames(file)): Opening[] {
  for (const scope of scopes) currentPair(file, scope)
  return distinct(
    [...file.pairs.values()]
      .filter(({ scope }) => scopes.includes(scope))
      .flatMap(({ wrapped, encryptionContext }) =>
        wrapped.map(({ keyId }) => ({ keyArn: keyId, encryptionContext })),
      ),
  )
}

async function openingsOfBundles(bundles: string[]): Promise<Opening[]> {
  const { inspect } = await import('../inspect/inspect.js')
  return openingsIn(await inspect(bundles))
}

export const openingsIn = ({ secrets }: Pick<Inspection, 'secrets'>): Opening[] =>
  distinct(
    secrets.flatMap(({ keys, encryptionContext }) =>
      keys.map((keyArn) => ({ keyArn, encryptionContext })),
    ),
  )

export const resolveKeys = (keyIds: string[], aws: AwsOptions): Promise<string[]> =>
  Promise.all(keyIds.map(keyArns(kmsCalls(aws))))

const distinct = (openings: Opening[]): Opening[] => [
  ...new Map(
    openings.map((opening) => [opening.keyArn + contextText(opening.encryptionContext), opening]),
  ).values(),
]
