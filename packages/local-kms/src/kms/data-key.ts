import { randomBytes } from 'node:crypto'
import { partitionOf } from '../arn.js'
import type { Conditions } from '../auth/authorize.js'
import { AwsError } from '../errors.js'
import { integer, oneOf, required, stringMap, unsupported } from '../protocol/schema.js'
import type { Call } from '../protocol/call.js'
import { operation } from '../protocol/service.js'
import { authorizeKey } from './authorize.js'
import { encryptWith, recordContext, useConditions } from './encrypt.js'
import { findKey } from './find-key.js'
import type { FoundKey } from './found-key.js'
import { checkGrantTokens } from './grants.js'
import { newEcPair, newRsaPair, RSA_BITS, type KeyPair } from './key-material.js'
import { requireEnabled } from './key-state.js'
import * as m from './members.js'
import { isMlKemSpec, newMlKemPair } from './ml-kem.js'

const COMMON = {
  KeyId: m.keyId,
  EncryptionContext: stringMap(),
  GrantTokens: m.grantTokens,
  DryRun: m.dryRun,
}
const DATA_KEY = {
  ...COMMON,
  KeySpec: oneOf('AES_256', 'AES_128'),
  NumberOfBytes: integer({ min: 1, max: 1024 }),
}
const PAIR = {
  ...COMMON,
  KeyPairSpec: required(
    oneOf(
      'RSA_2048',
      'RSA_3072',
      'RSA_4096',
      'ECC_NIST_P256',
      'ECC_NIST_P384',
      'ECC_NIST_P521',
      'ECC_SECG_P256K1',
      'SM2',
      'ECC_NIST_EDWARDS25519',
      'ML_KEM_512',
      'ML_KEM_768',
      'ML_KEM_1024',
    ),
  ),
}
const CURVES: Readonly<Partial<Record<string, string>>> = {
  ECC_NIST_P256: 'prime256v1',
  ECC_NIST_P384: 'secp384r1',
  ECC_NIST_P521: 'secp521r1',
  ECC_SECG_P256K1: 'secp256k1',
}

type Common = {
  KeyId: string
  EncryptionContext?: Record<string, string> | undefined
  GrantTokens?: string[] | undefined
  DryRun?: boolean | undefined
}

export const GenerateDataKey = operation({ ...DATA_KEY, Recipient: unsupported() }, (call, input) =>
  generateDataKey(call, 'GenerateDataKey', input),
)

export const GenerateDataKeyWithoutPlaintext = operation(DATA_KEY, (call, input) => {
  const { Plaintext: _, ...answer } = generateDataKey(
    call,
    'GenerateDataKeyWithoutPlaintext',
    input,
  )
  return answer
})

function generateDataKey(
  call: Call,
  action: string,
  input: Common & { KeySpec?: string | undefined; NumberOfBytes?: number | undefined },
) {
  const { KeySpec, NumberOfBytes } = input
  if ((KeySpec === undefined) === (NumberOfBytes === undefined)) {
    throw new AwsError('ValidationException', 'Please specify either number of bytes or key spec.')
  }
  const found = prepare(call, action, input)
  const bytes = NumberOfBytes ?? (KeySpec === 'AES_128' ? 16 : 32)
  const Plaintext = randomBytes(bytes)
  const CiphertextBlob = wrap(found, Plaintext, input)
  m.endDryRun(input.DryRun)
  return { CiphertextBlob, Plaintext, KeyId: found.arn, KeyMaterialId: materialId(found) }
}

export const GenerateDataKeyPair = operation({ ...PAIR, Recipient: unsupported() }, (call, input) =>
  generateDataKeyPair(call, 'GenerateDataKeyPair', input),
)

export const GenerateDataKeyPairWithoutPlaintext = operation(PAIR, async (call, input) => {
  const { PrivateKeyPlaintext: _, ...answer } = await generateDataKeyPair(
    call,
    'GenerateDataKeyPairWithoutPlaintext',
    input,
  )
  return answer
})

async function generateDataKeyPair(
  call: Call,
  action: string,
  input: Common & { KeyPairSpec: string },
) {
  const { KeyPairSpec } = input
  const found = prepare(call, action, input, [['kms:DataKeyPairSpec', KeyPairSpec]])
  requireInRegion(KeyPairSpec, call.region)
  m.endDryRun(input.DryRun)
  const { privateKey, publicKey } = await newPair(KeyPairSpec, call)
  return {
    PrivateKeyCiphertextBlob: wrap(found, privateKey, input),
    PrivateKeyPlaintext: privateKey,
    PublicKey: publicKey,
    KeyId: found.arn,
    KeyPairSpec,
    KeyMaterialId: materialId(found),
  }
}

/** Regions of China have SM2 and no ML-KEM. Others have ML-KEM and no SM2. */
function requireInRegion(spec: string, region: string): void {
  const isInChina = partitionOf(region) === 'aws-cn'
  if (isMlKemSpec(spec) ? !isInChina : spec !== 'SM2' || isInChina) return
  throw new AwsError(
    'UnsupportedOperationException',
    `KeyPairSpec ${spec} is not supported in region ${region}.`,
  )
}

async function newPair(spec: string, call: Call): Promise<KeyPair> {
  if (isMlKemSpec(spec)) return newMlKemPair(spec)
  const bits = RSA_BITS[spec]
  if (bits !== undefined) return newRsaPair(bits)
  const curve = CURVES[spec]
  if (curve !== undefined) return newEcPair(curve, call.pkcs8PublicKey)
  throw new AwsError('UnsupportedOperationException', `KeyPairSpec ${spec} is not supported.`)
}

/** Finds the key, and runs the checks that the four operations share. */
function prepare(call: Call, action: string, input: Common, more: Conditions = []): FoundKey {
  const context = input.EncryptionContext ?? {}
  recordContext(call, context)
  const found = findKey(call, input.KeyId)
  authorizeKey(call, action, found, [...useConditions(context), ...more])
  requireEnabled(found)
  checkGrantTokens(call, input.GrantTokens)
  if (found.key.spec !== 'SYMMETRIC_DEFAULT') {
    throw new AwsError(
      'InvalidKeyUsageException',
      `${found.arn} key spec is ${found.key.spec} which is not valid for ${action}.`,
    )
  }
  return found
}

const wrap = (found: FoundKey, plaintext: Buffer, input: Common): Buffer =>
  encryptWith(found, 'SYMMETRIC_DEFAULT', plaintext, input.EncryptionContext ?? {})

const materialId = ({ key }: FoundKey): string | undefined => key.materials.at(-1)?.id
