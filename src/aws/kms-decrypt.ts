import type { WrappedPrivateKey } from '../crypto/data-key-pair.js'
import type { AwsOptions } from '../options/types.js'
import { explain } from './kms-errors.js'
import { kmsClients } from './kms.js'

/** The KMS calls that open or move what is sealed. No build makes them. */
export interface KmsOpeningCalls {
  decrypt(wrapped: WrappedPrivateKey, encryptionContext: Record<string, string>): Promise<Buffer>
  /** Inside KMS, with no plaintext outside; in the region of `toKeyId`. */
  reEncrypt(
    wrapped: WrappedPrivateKey,
    encryptionContext: Record<string, string>,
    toKeyId: string,
    toEncryptionContext: Record<string, string>,
  ): Promise<WrappedPrivateKey>
}

/** KMS through the AWS SDK, which is loaded at the first call. */
export function kmsOpeningCalls(aws: AwsOptions): KmsOpeningCalls {
  const clientFor = kmsClients(aws)
  return {
    async decrypt({ keyId: KeyId, ciphertextBlob }, EncryptionContext) {
      const { DecryptCommand } = await import('@aws-sdk/client-kms')
      const CiphertextBlob = Buffer.from(ciphertextBlob, 'base64')
      try {
        const { Plaintext } = await (
          await clientFor(KeyId)
        ).send(new DecryptCommand({ KeyId, CiphertextBlob, EncryptionContext }))
        return Buffer.from(Plaintext!)
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
      const { ReEncryptCommand } = await import('@aws-sdk/client-kms')
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
          keyId: answer.KeyId!,
          ciphertextBlob: Buffer.from(answer.CiphertextBlob!).toString('base64'),
        }
      } catch (error) {
        throw explain(error, `kms:ReEncrypt from ${keyId}`, DestinationKeyId)
      }
    },
  }
}
