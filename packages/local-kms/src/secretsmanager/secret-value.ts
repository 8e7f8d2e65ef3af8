import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import type { SecretRecord, SecretVersion } from '../account/state.js'
import { AwsError } from '../errors.js'
import { GenerateDataKey } from '../kms/data-key.js'
import { Decrypt } from '../kms/encrypt.js'
import { managedKey } from '../kms/managed-key.js'
import type { Call } from '../protocol/call.js'
import { blob, string } from '../protocol/schema.js'
import { performOnBehalf } from '../protocol/service.js'

const NONCE_BYTES = 12
const TAG_BYTES = 16

export const VALUE = {
  ClientRequestToken: string({ min: 32, max: 64 }),
  SecretString: string({ min: 1, max: 65_536, sensitive: true }),
  SecretBinary: blob({ max: 65_536 }),
}

export type Value = {
  ClientRequestToken?: string | undefined
  SecretString?: string | undefined
  SecretBinary?: Buffer | undefined
}

/** @throws AwsError InvalidParameterException for both kinds of values */
export function hasValue({ SecretString, SecretBinary }: Value): boolean {
  if (SecretString !== undefined && SecretBinary !== undefined) {
    throw invalid("You can't specify both a binary secret value and a string secret value.")
  }
  return SecretString !== undefined || SecretBinary !== undefined
}

const valueOf = ({ SecretString, SecretBinary }: Value): Buffer =>
  SecretBinary ?? Buffer.from(SecretString as string, 'utf8')

/**
 * Finds the version that an earlier attempt of this request created: it has the same token and the
 * same value.
 *
 * @throws AwsError ResourceExistsException for the same token with another value
 */
export async function findRepeated(
  call: Call,
  secret: SecretRecord,
  input: Value,
): Promise<SecretVersion | undefined> {
  const before = secret.versions.find((v) => v.versionId === input.ClientRequestToken)
  if (before === undefined) return undefined
  if ((await openSecret(call, secret, before)).equals(valueOf(input))) return before
  throw new AwsError(
    'ResourceExistsException',
    "You can't use ClientRequestToken " +
      `${input.ClientRequestToken} because that value is already in use for a version of ` +
      `secret ${secret.arn}.`,
  )
}

export async function newVersion(
  call: Call,
  secret: SecretRecord,
  input: Value,
): Promise<SecretVersion> {
  const versionId = input.ClientRequestToken
  if (versionId === undefined) {
    throw new AwsError(
      'InvalidRequestException',
      'You must provide a ClientRequestToken value. We recommend a UUID-type value.',
    )
  }
  return {
    versionId,
    stages: [],
    kind: input.SecretBinary === undefined ? 'string' : 'binary',
    createdAt: call.now,
    ...(await sealSecret(call, secret, versionId, valueOf(input))),
  }
}

const RESEALED = new Set(['AWSCURRENT', 'AWSPENDING', 'AWSPREVIOUS'])

/**
 * Encrypts the labelled versions of a secret again, after its KMS key changed. Versions stay as they
 * are if the caller may not use the new key.
 */
export async function reseal(call: Call, secret: SecretRecord): Promise<SecretVersion[]> {
  return Promise.all(
    secret.versions.map(async (version) => {
      if (!version.stages.some((stage) => RESEALED.has(stage))) return version
      const value = await openSecret(call, secret, version)
      const sealed = await sealSecret(call, secret, version.versionId, value).catch(
        (error: unknown) => {
          if (error instanceof AwsError && error.type === 'AccessDeniedException') return {}
          throw error
        },
      )
      return { ...version, ...sealed }
    }),
  )
}

/** Encrypts a secret's value under a new data key, with the caller's permissions. */
async function sealSecret(
  call: Call,
  { arn, kmsKeyId }: Pick<SecretRecord, 'arn' | 'kmsKeyId'>,
  versionId: string,
  value: Buffer,
): Promise<Pick<SecretVersion, 'dataKey' | 'ciphertext'>> {
  const KeyId = kmsKeyId ?? managedKey(call, 'secretsmanager')
  const EncryptionContext = { SecretARN: arn, SecretVersionId: versionId }
  try {
    const request = { KeyId, KeySpec: 'AES_256', EncryptionContext }
    const name = 'GenerateDataKey'
    const dataKey = await performOnBehalf('secretsmanager', name, GenerateDataKey, call, request)
    // AWS also requires kms:Decrypt to write a secret.
    const wrapped = dataKey.CiphertextBlob.toString('base64')
    const key = await openDataKey(call, wrapped, EncryptionContext)
    const nonce = randomBytes(NONCE_BYTES)
    const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
    const sealed = [nonce, cipher.update(value), cipher.final(), cipher.getAuthTag()]
    return { dataKey: wrapped, ciphertext: Buffer.concat(sealed).toString('base64') }
  } catch (error) {
    throw asSecretsManager(error, 'EncryptionFailure', 'encrypt')
  }
}

export async function openSecret(
  call: Call,
  { arn }: SecretRecord,
  version: SecretVersion,
): Promise<Buffer> {
  const context = { SecretARN: arn, SecretVersionId: version.versionId }
  try {
    const key = await openDataKey(call, version.dataKey, context)
    const sealed = Buffer.from(version.ciphertext, 'base64')
    const nonce = sealed.subarray(0, NONCE_BYTES)
    const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
    decipher.setAuthTag(sealed.subarray(-TAG_BYTES))
    const opened = decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES))
    return Buffer.concat([opened, decipher.final()])
  } catch (error) {
    throw asSecretsManager(error, 'DecryptionFailure', 'decrypt')
  }
}

async function openDataKey(
  call: Call,
  CiphertextBlob: string,
  EncryptionContext: Record<string, string>,
): Promise<Buffer> {
  const request = { CiphertextBlob, EncryptionContext }
  const { Plaintext } = await performOnBehalf('secretsmanager', 'Decrypt', Decrypt, call, request)
  return Plaintext
}

function asSecretsManager(error: unknown, failure: string, verb: string): unknown {
  if (!(error instanceof AwsError) || error.status >= 500) return error
  if (error.type === 'AccessDeniedException') {
    return new AwsError(error.type, 'Access to KMS is not allowed', { messageField: 'Message' })
  }
  return new AwsError(
    failure,
    `Secrets Manager can't ${verb} the protected secret text using the provided KMS key: ` +
      `${error.type} ${error.message}`.trimEnd(),
  )
}

export const invalid = (message: string): AwsError =>
  new AwsError('InvalidParameterException', message)
