import { areRelated, parseKeyArn } from '../aws/key-arn.js'
import { kmsOpeningCalls, type KmsOpeningCalls } from '../aws/kms-decrypt.js'
import { regionOf } from '../aws/kms.js'
import type { DataKeyPair, WrappedPrivateKey } from '../crypto/data-key-pair.js'
import { KmsBuildError } from '../errors.js'
import { editSecretsFile } from '../secrets-file/edit.js'
import type { SecretsOptions } from '../secrets-file/locate.js'
import { currentPair, replacePair } from '../secrets-file/scopes.js'

export interface RewrapOptions extends Omit<SecretsOptions, 'trust'> {
  /** The KMS keys that may open from now on, in place of all others. Default: those of now. */
  keyIds?: string[]
  /** In place of the present one. Default: the present one. */
  encryptionContext?: Record<string, string>
}

/**
 * Wraps the private keys under other KMS keys, or with another context, inside KMS: no plaintext
 * leaves it, and tokens stay as they are.
 *
 * @throws KmsBuildError OPTIONS_INVALID where no blob is in the new key's region; KMS_DENIED,
 *   KMS_UNREACHABLE, KMS_FAILED, and what `editSecretsFile` throws.
 */
export async function rewrapSecrets(options: RewrapOptions) {
  const kms = kmsOpeningCalls(options.aws ?? {})
  return editSecretsFile(options, 'not sealing', async (file) => {
    for (const pair of file.pairs.values()) {
      const encryptionContext = options.encryptionContext ?? pair.encryptionContext
      const wrapped = []
      for (const keyId of options.keyIds ?? pair.wrapped.map(({ keyId }) => keyId)) {
        const region =
          regionOf(keyId) ??
          options.aws?.region ??
          process.env.AWS_REGION ??
          process.env.AWS_DEFAULT_REGION
        wrapped.push(await rewrap(kms, pair, { keyId, region, encryptionContext }))
      }
      replacePair(file, { ...pair, wrapped, encryptionContext })
    }
    return { keyArns: currentPair(file).wrapped.map(({ keyId }) => keyId) }
  })
}

interface Target {
  keyId: string
  region: string | undefined
  encryptionContext: Record<string, string>
}

function rewrap(
  kms: KmsOpeningCalls,
  pair: DataKeyPair,
  { keyId, region, encryptionContext }: Target,
): Promise<WrappedPrivateKey> {
  const source = sourceIn(region, keyId, pair)
  if (source) return kms.reEncrypt(source, pair.encryptionContext, keyId, encryptionContext)
  throw new KmsBuildError(
    'OPTIONS_INVALID',
    `KMS re-encrypts within one region, and ${pair.fingerprint} is wrapped under no key of ${region ?? 'the region, which is not known'} (${pair.wrapped.map(({ keyId }) => keyId).join(', ')}). ` +
      'Give the ARN of a key there, use a multi-Region key, or make a new pair under the new key: npx unplugin-kms rotate --key ID.',
  )
}

/** A blob that KMS can open in the region: wrapped there, or under a multi-Region key that is there too. */
function sourceIn(
  region: string | undefined,
  keyId: string,
  { wrapped }: DataKeyPair,
): WrappedPrivateKey | undefined {
  const near = wrapped.find((blob) => parseKeyArn(blob.keyId)!.region === region)
  if (near) return near
  const target = parseKeyArn(keyId)
  const related = target && wrapped.find((blob) => areRelated([target, parseKeyArn(blob.keyId)!]))
  return related ? { ...related, keyId } : undefined
}
