import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import type { ParameterVersion } from '../account/state.js'
import { AwsError } from '../errors.js'
import { GenerateDataKey } from '../kms/data-key.js'
import { Decrypt, Encrypt } from '../kms/encrypt.js'
import { managedKey } from '../kms/managed-key.js'
import type { Call } from '../protocol/call.js'
import { performOnBehalf } from '../protocol/service.js'

/**
 * The start of an advanced-tier value: version and algorithm suite of an AWS Encryption SDK message
 * (base64 `AgV4`), so that it differs from a KMS ciphertext. The rest is not the SDK's format: only
 * GetParameter of this server can decrypt it.
 */
const ADVANCED = Buffer.from('020578', 'hex')
const NONCE_BYTES = 12
const TAG_BYTES = 16

/**
 * Encrypts the value of a SecureString with the caller's permissions. A standard value is a KMS
 * ciphertext with the encryption context `PARAMETER_ARN`, an advanced value uses a data key.
 */
export async function sealValue(
  call: Call,
  arn: string,
  tier: 'Standard' | 'Advanced',
  value: string,
  wantedKey: string | undefined,
): Promise<{ ciphertext: string; keyId: string }> {
  const plaintext = Buffer.from(value, 'utf8')
  const usesManagedKey = wantedKey === undefined || wantedKey === 'alias/aws/ssm'
  const KeyId = usesManagedKey ? managedKey(call, 'ssm') : wantedKey
  const EncryptionContext = { PARAMETER_ARN: arn }
  try {
    if (tier === 'Standard') {
      const { CiphertextBlob } = await performOnBehalf('ssm', 'Encrypt', Encrypt, call, {
        KeyId,
        Plaintext: plaintext.toString('base64'),
        EncryptionContext,
      })
      return { ciphertext: CiphertextBlob.toString('base64'), keyId: KeyId }
    }
    const request = { KeyId, KeySpec: 'AES_256', EncryptionContext }
    const dataKey = await performOnBehalf('ssm', 'GenerateDataKey', GenerateDataKey, call, request)
    const message = envelope(dataKey.CiphertextBlob, dataKey.Plaintext, plaintext)
    return { ciphertext: message.toString('base64'), keyId: KeyId }
  } catch (error) {
    throw asSsm(error)
  }
}

export async function openValue(
  call: Call,
  arn: string,
  { value, tier }: ParameterVersion,
): Promise<string> {
  const bytes = Buffer.from(value, 'base64')
  const decrypt = async (blob: Buffer): Promise<Buffer> => {
    const { Plaintext } = await performOnBehalf('ssm', 'Decrypt', Decrypt, call, {
      CiphertextBlob: blob.toString('base64'),
      EncryptionContext: { PARAMETER_ARN: arn },
    })
    return Plaintext
  }
  try {
    if (tier === 'Standard') return (await decrypt(bytes)).toString('utf8')
    const { wrappedKey, sealed } = readEnvelope(bytes)
    return unseal(await decrypt(wrappedKey), sealed).toString('utf8')
  } catch (error) {
    throw asSsm(error)
  }
}

function envelope(wrappedKey: Buffer, key: Buffer, plaintext: Buffer): Buffer {
  const length = Buffer.alloc(2)
  length.writeUInt16BE(wrappedKey.length)
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
  const sealed = [nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]
  return Buffer.concat([ADVANCED, length, wrappedKey, ...sealed])
}

function readEnvelope(message: Buffer): { wrappedKey: Buffer; sealed: Buffer } {
  const start = ADVANCED.length + 2
  const end = start + message.readUInt16BE(ADVANCED.length)
  return { wrappedKey: message.subarray(start, end), sealed: message.subarray(end) }
}

function unseal(key: Buffer, sealed: Buffer): Buffer {
  const nonce = sealed.subarray(0, NONCE_BYTES)
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
  decipher.setAuthTag(sealed.subarray(-TAG_BYTES))
  return Buffer.concat([
    decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES)),
    decipher.final(),
  ])
}

/** SSM returns InvalidKeyId for all errors of KMS except AccessDeniedException. */
function asSsm(error: unknown): unknown {
  if (!(error instanceof AwsError) || error.status >= 500) return error
  const type = error.type === 'AccessDeniedException' ? error.type : 'InvalidKeyId'
  const origin = `(Service: AWSKMS; Status Code: ${error.status}; Error Code: ${error.type})`
  return new AwsError(type, `${error.message} ${origin}`.trim())
}
