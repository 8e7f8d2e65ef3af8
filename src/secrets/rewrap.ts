import { areRelated, parseKeyArn } from '../aws/key-arn.js'
import { kmsOpeningCalls, type KmsOpeningCalls } from '../aws/kms-decrypt.js'
import { regionOf } from '../aws/kms.js'
import type { WrappedPrivateKey } from '../crypto/data-key-pair.js'
import { KmsBuildError } from '../errors.js'
import { editSecretsFile } from '../secrets-file/edit.js'
import type { SecretsOptions } from '../secrets-file/locate.js'
import { opener } from '../secrets-file/open.js'
import { checkRecipient, encryptToRecipients, recoveryWarnings } from '../secrets-file/recovery.js'
import type { ScopedPair, SecretsFile } from '../secrets-file/parse.js'
import { checkDistinctScopes, currentPair, replacePair } from '../secrets-file/scopes.js'

export interface RewrapOptions extends SecretsOptions {
  /** The KMS keys that may decrypt from now on, in place of all others. Default: the present ones. */
  keyIds?: string[]
  /** The new encryption context. Default: the present one. */
  encryptionContext?: Record<string, string>
  /** The scope whose pairs are wrapped again. Default: all. */
  scope?: string
  /** age recipients that can decrypt without KMS, in place of all others. Needs kms:Decrypt. */
  recovery?: string[]
  /** Called with the KMS keys before a private key is wrapped under them. */
  onWrap?: (scope: string, keyIds: string[]) => void
}

/**
 * Wraps the private keys under other KMS keys, or with another context, with kms:ReEncrypt: plaintexts
 * never leave KMS, and tokens do not change. A KMS key that stays re-encrypts its own CiphertextBlob,
 * never that of another key: a key that cannot decrypt the pair must not become one that can.
 *
 * @throws KmsBuildError OPTIONS_INVALID if no blob is in the new key's region, or a context is for
 *   several scopes; PIN_MISMATCH, KMS_DENIED, KMS_UNREACHABLE, KMS_FAILED, and what `editSecretsFile`
 *   throws.
 */
export async function rewrapSecrets(options: RewrapOptions) {
  const kms = kmsOpeningCalls(options.aws ?? {})
  for (const recipient of options.recovery ?? []) await checkRecipient(recipient)
  const warnings: string[] = []
  const edited = await editSecretsFile(options, 'check', async (file) => {
    for (const pair of pairsToRewrap(file, options))
      replacePair(
        file,
        await withRecovery(await rewrapPair(kms, pair, options), kms, file, options),
      )
    checkDistinctScopes(file)
    if (options.recovery) warnings.push(...recoveryWarnings(pairsToRewrap(file, options)))
    const { scope, wrapped } = currentPair(file, options.scope ?? [...file.current.keys()][0])
    return { scope, keyArns: wrapped.map(({ keyId }) => keyId) }
  })
  return { ...edited, warnings: [...edited.warnings, ...warnings] }
}

function pairsToRewrap(file: SecretsFile, { scope, encryptionContext }: RewrapOptions) {
  if (scope === undefined && encryptionContext && file.current.size > 1)
    throw new KmsBuildError(
      'OPTIONS_INVALID',
      `${file.path} has several scopes, and each needs an encryption context of its own. Name the scope that gets this one: --scope.`,
    )
  const wanted = scope === undefined ? undefined : currentPair(file, scope).scope
  return [...file.pairs.values()].filter((pair) => wanted === undefined || pair.scope === wanted)
}

/** Encrypts the private key of a pair to the given age recipients, if any are given. */
async function withRecovery(
  pair: ScopedPair,
  kms: KmsOpeningCalls,
  file: SecretsFile,
  { recovery, onWrap }: RewrapOptions,
): Promise<ScopedPair> {
  if (!recovery) return pair
  if (!recovery.length) return { ...pair, recovery: [] }
  onWrap?.(pair.scope, recovery)
  const { unwrap } = opener(kms, { path: file.path, pairs: new Map([[pair.fingerprint, pair]]) })
  const privateKey = (await unwrap(pair.fingerprint)).toPkcs8()
  try {
    return { ...pair, recovery: await encryptToRecipients(recovery, privateKey) }
  } finally {
    privateKey.fill(0)
  }
}

async function rewrapPair(
  kms: KmsOpeningCalls,
  pair: ScopedPair,
  options: RewrapOptions,
): Promise<ScopedPair> {
  if (!options.keyIds && !options.encryptionContext) return pair
  const encryptionContext = options.encryptionContext ?? pair.encryptionContext
  const keyIds = options.keyIds ?? pair.wrapped.map(({ keyId }) => keyId)
  options.onWrap?.(pair.scope, keyIds)
  const wrapped: WrappedPrivateKey[] = []
  for (const keyId of keyIds) {
    const source = sourceFor(keyId, pair, options)
    wrapped.push(await kms.reEncrypt(source, pair.encryptionContext, keyId, encryptionContext))
  }
  return { ...pair, wrapped, encryptionContext }
}

/**
 * Returns the blob to re-encrypt for a key: its own, or else one that KMS can decrypt in the key's region,
 * wrapped there or under a related multi-Region key.
 */
function sourceFor(
  keyId: string,
  { wrapped, fingerprint }: ScopedPair,
  { aws, keyIds }: RewrapOptions,
): WrappedPrivateKey {
  const own = wrapped.find((blob) => blob.keyId === keyId)
  if (own) return own
  const region =
    regionOf(keyId) ?? aws?.region ?? process.env.AWS_REGION ?? process.env.AWS_DEFAULT_REGION
  // Only a key that the user named gets the content of another key's blob.
  const near = keyIds && wrapped.find((blob) => parseKeyArn(blob.keyId)!.region === region)
  if (near) return near
  const target = parseKeyArn(keyId)
  const related = target && wrapped.find((blob) => areRelated([target, parseKeyArn(blob.keyId)!]))
  if (related) return { ...related, keyId }
  throw new KmsBuildError(
    'OPTIONS_INVALID',
    `KMS re-encrypts within one region, and ${fingerprint} is not wrapped under a key in ${region ?? 'the region, which is unknown'} (${wrapped.map((blob) => blob.keyId).join(', ')}). ` +
      'Give the ARN of a key there, use a multi-Region key, or create a new pair under the new key: npx unplugin-kms rotate --key ID.',
  )
}
