import { constants, privateDecrypt, publicEncrypt } from 'node:crypto'
import { keyArn } from '../arn.js'
import type { KeyMaterial, KeyRecord } from '../account/state.js'
import { AwsError } from '../errors.js'
import { blob, required, stringMap, unsupported } from '../protocol/schema.js'
import type { Call } from '../protocol/call.js'
import { operation } from '../protocol/service.js'
import { contextConditions } from '../policy/conditions.js'
import { authorizeKey } from './authorize.js'
import { open, parseCiphertext, seal, type ParsedCiphertext } from './ciphertext.js'
import { existingKey, findKey } from './find-key.js'
import type { FoundKey } from './found-key.js'
import { checkGrantTokens } from './grants.js'
import { RSA_BITS, rsaPrivateKey, rsaPublicKey } from './key-material.js'
import { requireEnabled } from './key-state.js'
import * as m from './members.js'
import { encryptionAlgorithms } from './metadata.js'

type Context = Readonly<Record<string, string>>

const INPUT = {
  EncryptionContext: stringMap(),
  EncryptionAlgorithm: m.encryptionAlgorithm,
  GrantTokens: m.grantTokens,
  DryRun: m.dryRun,
}

export const Encrypt = operation(
  { ...INPUT, KeyId: m.keyId, Plaintext: required(blob({ max: 4096 })) },
  (call, input) => {
    const {
      EncryptionContext: context = {},
      EncryptionAlgorithm: algorithm = 'SYMMETRIC_DEFAULT',
    } = input
    recordContext(call, context)
    const found = findKey(call, input.KeyId)
    authorizeKey(call, 'Encrypt', found, useConditions(context, algorithm))
    requireEnabled(found)
    checkGrantTokens(call, input.GrantTokens)
    requireAlgorithm(found, algorithm, context)
    const CiphertextBlob = encryptWith(found, algorithm, input.Plaintext, context)
    m.endDryRun(input.DryRun)
    return { CiphertextBlob, KeyId: found.arn, EncryptionAlgorithm: algorithm }
  },
)

export const Decrypt = operation(
  {
    ...INPUT,
    KeyId: m.optionalKeyId,
    CiphertextBlob: required(m.ciphertextBlob),
    Recipient: unsupported(),
    DryRunModifiers: unsupported(),
  },
  (call, input) => {
    const {
      EncryptionContext: context = {},
      EncryptionAlgorithm: algorithm = 'SYMMETRIC_DEFAULT',
    } = input
    recordContext(call, context)
    const found = findSourceKey(call, input.KeyId, input.CiphertextBlob, algorithm)
    authorizeKey(call, 'Decrypt', found, useConditions(context, algorithm), { onCiphertext: true })
    if (found.mismatch) throw found.mismatch
    requireEnabled(found)
    checkGrantTokens(call, input.GrantTokens)
    const { plaintext, materialId } = decryptWith(found, algorithm, input.CiphertextBlob, context)
    m.endDryRun(input.DryRun)
    return {
      KeyId: found.arn,
      Plaintext: plaintext,
      EncryptionAlgorithm: algorithm,
      ...(materialId !== undefined && { KeyMaterialId: materialId }),
    }
  },
)

export interface SourceKey extends FoundKey {
  /** Set if another key made the ciphertext. To be thrown after authorization. */
  mismatch?: AwsError
}

/**
 * Finds the key to decrypt with: the key of the request, or the key that a symmetric ciphertext
 * contains.
 */
export function findSourceKey(
  call: Call,
  keyId: string | undefined,
  ciphertext: Buffer,
  algorithm: string,
): SourceKey {
  if (algorithm !== 'SYMMETRIC_DEFAULT') {
    if (keyId !== undefined) return findKey(call, keyId)
    throw new AwsError('ValidationException', `KeyId is required for algorithm ${algorithm}.`)
  }
  const parsed = parseCiphertext(ciphertext)
  if (keyId !== undefined) {
    const found = findKey(call, keyId)
    if (found.key.keyId === parsed?.keyId) return found
    return { ...found, mismatch: mismatch(found, parsed) }
  }
  if (parsed === undefined) throw new AwsError('InvalidCiphertextException')
  const key = existingKey(call, parsed.keyId)
  if (key === undefined) {
    throw new AwsError(
      'AccessDeniedException',
      'The ciphertext refers to a customer master key that does not exist, does not exist in ' +
        'this region, or you are not allowed to access.',
    )
  }
  const arn = keyArn(call.region, call.account.id, key.keyId)
  call.entry.keyArn = arn
  return { key, arn }
}

function mismatch({ key }: FoundKey, parsed: ParsedCiphertext | undefined): AwsError {
  return key.spec === 'SYMMETRIC_DEFAULT' && parsed === undefined
    ? new AwsError('InvalidCiphertextException')
    : new AwsError(
        'IncorrectKeyException',
        'The key ID in the request does not identify a CMK that can perform this operation.',
      )
}

export function encryptWith(
  { key }: FoundKey,
  algorithm: string,
  plaintext: Buffer,
  context: Context,
): Buffer {
  const material = currentMaterial(key)
  if (algorithm === 'SYMMETRIC_DEFAULT') return seal(key.keyId, material, plaintext, context)
  const hash = oaepHash(algorithm)
  const limit = (RSA_BITS[key.spec] as number) / 8 - 2 * (hash === 'sha1' ? 20 : 32) - 2
  if (plaintext.length > limit) {
    throw new AwsError(
      'ValidationException',
      `Algorithm ${algorithm} and key spec ${key.spec} cannot encrypt data larger than ${limit} bytes.`,
    )
  }
  const padding = constants.RSA_PKCS1_OAEP_PADDING
  return publicEncrypt({ key: rsaPublicKey(material), padding, oaepHash: hash }, plaintext)
}

export function decryptWith(
  found: FoundKey,
  algorithm: string,
  ciphertext: Buffer,
  context: Context,
): { plaintext: Buffer; materialId?: string } {
  requireAlgorithm(found, algorithm, context)
  const { key } = found
  if (algorithm === 'SYMMETRIC_DEFAULT') {
    const parsed = parseCiphertext(ciphertext)
    if (parsed === undefined) throw new AwsError('InvalidCiphertextException')
    return { plaintext: open(parsed, key.materials, context), materialId: parsed.materialId }
  }
  const privateKey = {
    key: rsaPrivateKey(currentMaterial(key)),
    padding: constants.RSA_PKCS1_OAEP_PADDING,
    oaepHash: oaepHash(algorithm),
  }
  try {
    return { plaintext: privateDecrypt(privateKey, ciphertext) }
  } catch {
    throw new AwsError('InvalidCiphertextException')
  }
}

/** @throws AwsError InvalidKeyUsage- or ValidationException if the key's spec does not allow it */
export function requireAlgorithm({ key }: FoundKey, algorithm: string, context: Context): void {
  if (!encryptionAlgorithms(key.spec).includes(algorithm)) {
    throw new AwsError(
      'InvalidKeyUsageException',
      `Algorithm ${algorithm} is incompatible with key spec ${key.spec}.`,
    )
  }
  if (algorithm !== 'SYMMETRIC_DEFAULT' && Object.keys(context).length > 0) {
    throw new AwsError(
      'ValidationException',
      'EncryptionContext is not supported with asymmetric encryption algorithms.',
    )
  }
}

export const useConditions = (
  context: Context,
  algorithm = 'SYMMETRIC_DEFAULT',
): [string, string | string[] | undefined][] => [
  ...contextConditions(context),
  ['kms:EncryptionAlgorithm', algorithm],
]

export function recordContext(call: Call, context: Context): void {
  if (Object.keys(context).length > 0) call.entry.encryptionContext = context
}

const currentMaterial = ({ materials }: KeyRecord): KeyMaterial => materials.at(-1) as KeyMaterial

const oaepHash = (algorithm: string): 'sha1' | 'sha256' =>
  algorithm === 'RSAES_OAEP_SHA_1' ? 'sha1' : 'sha256'
