import { areRelated, expectKeyArn } from '../../aws/key-arn.js'
import type { Direct } from '../../crypto/wrapped-secret.js'
import { type Mark, shown } from '../collect/mark.js'
import { refuse } from './refuse.js'
import type { Sources } from './types.js'

/**
 * Returns an existing CiphertextBlob with the ARNs of the keys that decrypt it: the `keyId` of the mark,
 * else the keys of the build. A multi-Region key decrypts it in each of its regions.
 *
 * @throws KmsBuildError KEY_MISSING, and the errors of kms:DescribeKey.
 */
export async function withKeys(
  mark: Mark,
  blob: { ciphertextBlob: string; algorithm?: string },
  encryptionContext: Record<string, string>,
  sources: Sources,
): Promise<Direct> {
  const keyIds = await Promise.all(
    keysOf(mark, sources).map((keyId) => sources.remote.keyArn(keyId)),
  )
  const arns = keyIds.map((keyId) => expectKeyArn(keyId, keyId))
  if (keyIds.length > 1 && !areRelated(arns)) {
    refuse(
      'KEY_MISSING',
      `which of ${keyIds.join(', ')} decrypts ${shown(mark)} is unknown. Name the key in the mark: { keyId: '…' }.`,
      mark,
    )
  }
  return { wrapped: keyIds.map((keyId) => ({ keyId, ...blob })), encryptionContext }
}

function keysOf(mark: Mark, { keyIds }: Sources): string[] {
  if (mark.options.keyId) return [mark.options.keyId]
  if (keyIds.length) return keyIds
  return refuse(
    'KEY_MISSING',
    `the KMS key of ${shown(mark)} is unknown. Name it in the mark, { keyId: '…' }, or set the option keyId.`,
    mark,
  )
}
