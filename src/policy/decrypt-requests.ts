import { kmsCalls } from '../aws/kms.js'
import { keyArns } from '../aws/resolve-key-arn.js'
import { contextText } from '../crypto/data-key-pair.js'
import type { Inspection } from '../inspect/inspect.js'
import type { AwsOptions } from '../options/types.js'
import { existingSecretsFile, type SecretsOptions } from '../secrets-file/locate.js'
import type { SecretsFile } from '../secrets-file/parse.js'
import { currentPair, scopeNames } from '../secrets-file/scopes.js'

/** A kms:Decrypt call that decryption needs. */
export interface DecryptRequest {
  keyArn: string
  encryptionContext: Record<string, string>
}

/** What to decrypt: built bundles, or keys with a context, or else the secrets file. */
export interface DecryptRequestsOptions extends SecretsOptions {
  /** Built files, folders or zip files whose secrets are decrypted. */
  bundles?: string[]
  /** The option `keyId` of a build without a secrets file: key ids, key ARNs or aliases. */
  keyIds?: string[]
  /** The scopes of the secrets file. Default: all. */
  scopes?: string[]
  /** The option `encryptionContext` of the plugin. */
  encryptionContext?: Record<string, string>
}

/**
 * Returns the kms:Decrypt calls that the bundles, keys or secrets file need.
 *
 * @throws KmsBuildError SECRETS_FILE_MISSING, SECRETS_FILE_INVALID, FILE_UNREADABLE; KMS_DENIED,
 *   KMS_UNREACHABLE, KMS_FAILED if an alias or a key id cannot be resolved.
 */
export async function decryptRequestsOf(
  options: DecryptRequestsOptions,
): Promise<DecryptRequest[]> {
  const { bundles = [], keyIds = [], scopes, encryptionContext = {}, aws = {} } = options
  if (bundles.length) return decryptRequestsOfBundles(bundles)
  if (!keyIds.length) return decryptRequestsOfFile(await existingSecretsFile(options), scopes)
  const arns = await resolveKeys(keyIds, aws)
  return arns.map((keyArn) => ({ keyArn, encryptionContext }))
}

/**
 * Returns the calls for all pairs of some scopes. Includes earlier pairs, because a deployed bundle may be
 * older than the last rotation. Default: all scopes.
 *
 * @throws KmsBuildError SCOPE_UNKNOWN.
 */
export function decryptRequestsOfFile(
  file: SecretsFile,
  scopes = scopeNames(file),
): DecryptRequest[] {
  for (const scope of scopes) currentPair(file, scope)
  return distinct(
    [...file.pairs.values()]
      .filter(({ scope }) => scopes.includes(scope))
      .flatMap(({ wrapped, encryptionContext }) =>
        wrapped.map(({ keyId }) => ({ keyArn: keyId, encryptionContext })),
      ),
  )
}

async function decryptRequestsOfBundles(bundles: string[]): Promise<DecryptRequest[]> {
  const { inspect } = await import('../inspect/inspect.js')
  return decryptRequestsIn(await inspect(bundles))
}

export const decryptRequestsIn = ({ secrets }: Pick<Inspection, 'secrets'>): DecryptRequest[] =>
  distinct(
    secrets.flatMap(({ keys, encryptionContext }) =>
      keys.map((keyArn) => ({ keyArn, encryptionContext })),
    ),
  )

export const resolveKeys = (keyIds: string[], aws: AwsOptions): Promise<string[]> =>
  Promise.all(keyIds.map(keyArns(kmsCalls(aws))))

const distinct = (requests: DecryptRequest[]): DecryptRequest[] => [
  ...new Map(
    requests.map((request) => [request.keyArn + contextText(request.encryptionContext), request]),
  ).values(),
]
