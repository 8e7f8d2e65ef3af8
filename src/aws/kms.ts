import type { WrappedPrivateKey } from '../crypto/data-key-pair.js'
import type { AwsOptions } from '../options/types.js'
import { clientsOf } from './clients.js'
import { parseKeyArn } from './key-arn.js'
import { explain } from './kms-errors.js'

/** The KMS calls that sealing makes. `kms:Decrypt` is not among them. */
export interface KmsCalls {
  /** null where KMS answers that this key cannot (custom key stores). */
  generateDataKeyPair(
    keyId: string,
    encryptionContext: Record<string, string>,
  ): Promise<(WrappedPrivateKey & { publicKey: Buffer }) | null>
  encrypt(
    keyId: string,
    plaintext: Uint8Array,
    encryptionContext: Record<string, string>,
  ): Promise<WrappedPrivateKey>
  /** The key ARN of a key id, alias or alias ARN. */
  describeKey(keyId: string): Promise<string>
}

/** KMS through the AWS SDK, which is loaded at the first call: sealed builds never load it. */
export function kmsCalls(aws: AwsOptions): KmsCalls {
  const clientFor = kmsClients(aws)
  return {
    async generateDataKeyPair(KeyId, EncryptionContext) {
      const { GenerateDataKeyPairWithoutPlaintextCommand } = await import('@aws-sdk/client-kms')
      const command = new GenerateDataKeyPairWithoutPlaintextCommand({
        KeyId,
        EncryptionContext,
        KeyPairSpec: 'ECC_NIST_P256',
      })
      try {
        const answer = await (await clientFor(KeyId)).send(command)
        return {
          keyId: answer.KeyId!,
          publicKey: Buffer.from(answer.PublicKey!),
          ciphertextBlob: Buffer.from(answer.PrivateKeyCiphertextBlob!).toString('base64'),
        }
      } catch (error) {
        if ((error as Error).name === 'UnsupportedOperationException') return null
        throw explain(error, 'kms:GenerateDataKeyPairWithoutPlaintext', KeyId)
      }
    },
    async encrypt(KeyId, Plaintext, EncryptionContext) {
      const { EncryptCommand } = await import('@aws-sdk/client-kms')
      try {
        const answer = await (
          await clientFor(KeyId)
        ).send(new EncryptCommand({ KeyId, Plaintext, EncryptionContext }))
        return {
          keyId: answer.KeyId!,
          ciphertextBlob: Buffer.from(answer.CiphertextBlob!).toString('base64'),
        }
      } catch (error) {
        throw explain(error, 'kms:Encrypt', KeyId)
      }
    },
    async describeKey(KeyId) {
      const { DescribeKeyCommand } = await import('@aws-sdk/client-kms')
      try {
        const { KeyMetadata } = await (
          await clientFor(KeyId)
        ).send(new DescribeKeyCommand({ KeyId }))
        return KeyMetadata!.Arn!
      } catch (error) {
        throw explain(error, 'kms:DescribeKey', KeyId)
      }
    },
  }
}

/** The client of a key's region, which its ARN tells. */
export function kmsClients(aws: AwsOptions) {
  const clientFor = clientsOf(aws, async (config) => {
    const { KMSClient } = await import('@aws-sdk/client-kms')
    return new KMSClient(config)
  })
  return (keyId: string) => clientFor(regionOf(keyId))
}

export const regionOf = (keyId: string) =>
  parseKeyArn(keyId)?.region ?? /^arn:aws[a-z-]*:kms:([a-z0-9-]+):\d{12}:alias\//.exec(keyId)?.[1]
