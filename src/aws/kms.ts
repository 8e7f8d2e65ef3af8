import type { WrappedPrivateKey } from '../crypto/data-key-pair.js'
import type { KeyPairSpec } from '../crypto/suites.js'
import type { AwsOptions } from '../options/types.js'
import { contactOf, present } from './aws-error.js'
import { clientsOf } from './clients.js'
import { failureOf } from './failure.js'
import { parseKeyArn } from './key-arn.js'
import { explain } from './kms-errors.js'
import { clientKms } from './sdk.js'

/** The KMS calls that sealing makes. `kms:Decrypt` is not among them. */
export interface KmsCalls {
  /** @returns null if this key (in a custom key store) or this emulator cannot create data key pairs. */
  generateDataKeyPair(
    keyId: string,
    encryptionContext: Record<string, string>,
    keyPairSpec: KeyPairSpec,
  ): Promise<(WrappedPrivateKey & { publicKey: Buffer }) | null>
  encrypt(
    keyId: string,
    plaintext: Uint8Array,
    encryptionContext: Record<string, string>,
  ): Promise<WrappedPrivateKey>
  /** The key ARN of a key id, alias or alias ARN. */
  describeKey(keyId: string): Promise<string>
}

/**
 * Returns the KMS calls through the AWS SDK, which is loaded at the first call: sealed builds never
 * load it.
 *
 * @param during runs each call, for example to show progress.
 */
export function kmsCalls(
  aws: AwsOptions,
  during: <T>(call: () => Promise<T>) => Promise<T> = (call) => call(),
): KmsCalls {
  const clientFor = kmsClients(aws)
  return {
    async generateDataKeyPair(KeyId, EncryptionContext, KeyPairSpec) {
      const { GenerateDataKeyPairWithoutPlaintextCommand } = await clientKms()
      const command = new GenerateDataKeyPairWithoutPlaintextCommand({
        KeyId,
        EncryptionContext,
        KeyPairSpec,
      })
      try {
        const answer = await during(async () => (await clientFor(KeyId)).send(command))
        return {
          keyId: present(answer.KeyId),
          publicKey: Buffer.from(present(answer.PublicKey)),
          ciphertextBlob: base64(present(answer.PrivateKeyCiphertextBlob)),
        }
      } catch (error) {
        if (lacksDataKeyPairs(error)) return null
        throw explain(error, 'kms:GenerateDataKeyPairWithoutPlaintext', KeyId, KeyPairSpec)
      }
    },
    async encrypt(KeyId, Plaintext, EncryptionContext) {
      const { EncryptCommand } = await clientKms()
      try {
        const command = new EncryptCommand({ KeyId, Plaintext, EncryptionContext })
        const answer = await during(async () => (await clientFor(KeyId)).send(command))
        return {
          keyId: present(answer.KeyId),
          ciphertextBlob: base64(present(answer.CiphertextBlob)),
        }
      } catch (error) {
        throw explain(error, 'kms:Encrypt', KeyId)
      }
    },
    async describeKey(KeyId) {
      const { DescribeKeyCommand } = await clientKms()
      try {
        const command = new DescribeKeyCommand({ KeyId })
        const { KeyMetadata } = await during(async () => (await clientFor(KeyId)).send(command))
        return present(KeyMetadata?.Arn)
      } catch (error) {
        throw explain(error, 'kms:DescribeKey', KeyId)
      }
    },
  }
}

export const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64')

/**
 * Returns whether the key (in a custom key store), the region or the emulator cannot create such data key
 * pairs. For AWS's own hosts, only `UnsupportedOperationException` and an unknown spec count.
 */
function lacksDataKeyPairs(error: unknown): boolean {
  const { name, $metadata } = error as Error & { $metadata?: { httpStatusCode?: number } }
  if (name === 'UnsupportedOperationException' || isUnknownSpec(error as Error)) return true
  const isEmulator = contactOf(error)?.from !== undefined
  const { kind } = failureOf(error)
  const status = $metadata?.httpStatusCode ?? 0
  return (
    isEmulator &&
    (/^(UnknownOperation|NotImplemented|InvalidAction)/.test(name) ||
      status === 501 ||
      (kind === 'unreachable' && [404, 405, 500].includes(status)))
  )
}

/** Returns whether the region or emulator does not know the spec of the pair, as it may not know ML-KEM. */
const isUnknownSpec = ({ name, message }: Error) =>
  name === 'ValidationException' && /keyPairSpec.*enum value set/is.test(message)

/** Returns the client of a key's region, which is part of its ARN. */
export function kmsClients(aws: AwsOptions) {
  const clientFor = clientsOf(aws, 'KMS', async (config) => {
    const { KMSClient } = await clientKms()
    return new KMSClient(config)
  })
  return (keyId: string) => clientFor(regionOf(keyId))
}

export const regionOf = (keyId: string) =>
  parseKeyArn(keyId)?.region ?? /^arn:aws[a-z-]*:kms:([a-z0-9-]+):\d{12}:alias\//.exec(keyId)?.[1]
