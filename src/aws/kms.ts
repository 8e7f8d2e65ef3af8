import { KmsBuildError } from '../errors.js'
import type { AwsOptions } from '../options/resolve-options.js'
import { clientsOf } from './clients.js'
import type { WrappedPrivateKey } from '../crypto/data-key-pair.js'
import { parseKeyArn } from './key-arn.js'

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

const UNREACHABLE = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ETIMEDOUT',
  'EPIPE',
  'EHOSTUNREACH',
  'ENETUNREACH',
])

/** Whether no answer came at all: the network, a name, an endpoint. */
export const isUnreachable = (error: unknown) => {
  const { name, code } = error as Error & { code?: string }
  return UNREACHABLE.has(code ?? '') || name === 'TimeoutError' || name === 'AggregateError'
}

/** AWS's messages end with a full stop or without. */
export const sentence = (message: string) => message.trimEnd().replace(/\.?$/, '.')

/** KMS's own words tell which of the two policies is silent, but for the key of a ciphertext. */
function whatIsMissing(message: string): string {
  if (message.includes('no resource-based policy allows')) {
    return (
      "The key policy forgets this identity, and its IAM policies, right as they may be, don't make up for that: " +
      "the key policy must name it, or let the account's IAM policies decide (principal arn:aws:iam::ACCOUNT:root)."
    )
  }
  if (message.includes('no identity-based policy allows'))
    return "The key policy leaves it to the account's IAM policies, and none of this identity's allows it."
  return (
    "Both must allow it: the identity's IAM policy, and the key policy, which names the identity or " +
    "lets the account's IAM policies decide."
  )
}

/** Says what KMS refused and what to do; KMS's own messages hold no plaintext. */
export function explain(error: unknown, action: string, keyId: string): KmsBuildError {
  const { name, message, code } = error as Error & { code?: string }
  const fail = (kind: 'KMS_DENIED' | 'KMS_UNREACHABLE' | 'KMS_FAILED', text: string) =>
    new KmsBuildError(kind, text, undefined, { cause: error })
  if (name === 'AccessDeniedException') {
    return fail(
      'KMS_DENIED',
      `KMS denies ${action} on ${keyId}: ${sentence(message)} ${whatIsMissing(message)}`,
    )
  }
  if (
    name === 'CredentialsProviderError' ||
    name === 'UnrecognizedClientException' ||
    /expired/i.test(name)
  ) {
    return fail(
      'KMS_DENIED',
      `AWS accepts no credentials for ${action} on ${keyId}: ${sentence(message)} Sign in, or set the option aws.profile.`,
    )
  }
  if (isUnreachable(error)) {
    return fail(
      'KMS_UNREACHABLE',
      `KMS could not be reached for ${action} on ${keyId} (${code ?? name}). Check the network, and AWS_ENDPOINT_URL_KMS if it is set.`,
    )
  }
  if (message === 'Region is missing') {
    return fail(
      'KMS_FAILED',
      `no region for ${keyId}. Give the key's ARN, the option aws.region, or AWS_REGION.`,
    )
  }
  return fail('KMS_FAILED', `KMS refused ${action} on ${keyId}: ${name}: ${message}`)
}
