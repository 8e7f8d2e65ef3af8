import { createDataKeyPair } from '../aws/create-data-key-pair.js'
import type { KmsCalls } from '../aws/kms.js'
import type { Suite } from '../crypto/suites.js'
import type { ScopedPair } from '../secrets-file/parse.js'
import { checkRecipient, encryptToRecipients } from '../secrets-file/recovery.js'
import type { RecoveryCopy } from '../secrets-file/types.js'

interface NewPair {
  kms: KmsCalls
  keyIds: string[]
  encryptionContext: Record<string, string>
  suite: Suite
  scope: string
  /** age recipients. */
  recovery: string[]
}

/**
 * Creates a data key pair of a scope, with its recovery copies.
 *
 * @throws KmsBuildError ARGUMENT_INVALID, PACKAGE_MISSING, KMS_DENIED, KMS_UNREACHABLE, KMS_FAILED.
 */
export async function createScopedPair(options: NewPair): Promise<ScopedPair> {
  const { kms, keyIds, encryptionContext, suite, scope, recovery: recipients } = options
  for (const recipient of recipients) await checkRecipient(recipient)
  const recovery: RecoveryCopy[] = []
  const copy = async (privateKey: Uint8Array) =>
    void recovery.push(...(await encryptToRecipients(recipients, privateKey)))
  const pair = await createDataKeyPair(
    kms,
    keyIds,
    encryptionContext,
    recipients.length ? copy : undefined,
    suite,
  )
  return { ...pair, scope, recovery }
}
