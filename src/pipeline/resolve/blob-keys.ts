import { areRelated, expectKeyArn } from '../../aws/key-arn.js'
import type { Direct } from '../../crypto/wrapped-secret.js'
import { type Mark, shown } from '../collect/mark.js'
import { refuse } from './refuse.js'
import type { Sources } from './types.js'

/**
 * A CiphertextBlob that exists already, with the ARN of the key that opens it: the mark's own keyId,
 * else those of the build. One multi-Region key in several regions opens
 * it in each.
 *
 * @throws KmsBuildError KEY_MISSING; what DescribeKey refuses.
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
      `nothing says which of ${keyIds.join(', ')} opens ${shown(mark)}. Say it in the mark: { keyId: '…' }.`,
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
    `nothing says which KMS key opens ${shown(mark)}. Say it in the mark, { keyId: '…' }, or set the option keyId.`,
    mark,
  )
}
