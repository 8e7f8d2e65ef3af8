import type { WrappedPrivateKey } from '../crypto/data-key-pair.js'
import type { AwsOptions } from '../options/types.js'
import { present } from './aws-error.js'
import { explain } from './kms-errors.js'
import { base64, kmsClients } from './kms.js'
import { clientKms } from './sdk.js'

/** The KMS calls that decrypt or re-encrypt. No build makes them. */
export interface KmsOpeningCalls {
  decrypt(wrapped: WrappedPrivateKey, encryptionContext: Record<string, string>): Promise<Buffer>
  /** Re-encrypts inside KMS, in the region of `toKeyId`. */
  reEncrypt(
    wrapped: WrappedPrivateKey,
    encryptionContext: Record<string, string>,
    toKeyId: string,
    toEncryptionContext: Record<string, string>,
  ): Promise<WrappedPrivateKey>
}

/** Returns the KMS calls through the AWS SDK, which is loaded at the first call. */
export function kmsOpeningCalls(aws: AwsOptions): KmsOpeningCalls {
  const clientFor = kmsClients(aws)
  return {
    async decrypt({ keyId: KeyId, ciphertextBlob }, EncryptionContext) {
      const { DecryptCommand } = await clientKms()
      const CiphertextBlob = Buffer.from(ciphertextBlob, 'base64')
      try {
        const { Plaintext } = await (
          await clientFor(KeyId)
        ).send(new DecryptCommand({ KeyId, CiphertextBlob, EncryptionContext }))
        return Buffer.from(present(Plaintext))
      } catch (error) {
        throw explain(error, 'kms:Decrypt', KeyId)
      }
    },
    async reEncrypt(
      { keyId, ciphertextBlob },
      SourceEncryptionContext,
      DestinationKeyId,
      DestinationEncryptionContext,
    ) {
      const { ReEncryptCommand } = await clientKms()
      const command = new ReEncryptCommand({
        CiphertextBlob: Buffer.from(ciphertextBlob, 'base64'),
        SourceKeyId: keyId,
        SourceEncryptionContext,
        DestinationKeyId,
        DestinationEncryptionContext,
      })
      try {
        const answer = await (await clientFor(DestinationKeyId)).send(command)
        return {
          keyId: present(answer.KeyId),
          ciphertextBlob: base64(present(answer.CiphertextBlob)),
        }
      } catch (error) {
        throw explain(error, `kms:ReEncrypt from ${keyId}`, DestinationKeyId)
      }
    },
  }
}
