import { randomUUID } from 'node:crypto'
import type { LocalKms } from '../../src/index.js'
import { base64, succeed } from '../call.js'

const CONTEXT = { app: 'orders' }

/** The keys and ciphertexts of the requests. */
export interface World {
  keyId: string
  otherKeyId: string
  alias: string
  /** The key policy. */
  policy: string
  ciphertext: string
  /** Encrypted under the other key, without an encryption context. */
  otherCiphertext: string
  /** A grant on the key. */
  grantId: string
  /** The grantee. */
  principal: string
}

/** The request of an operation, and the members that the cases change. */
export interface Row {
  /** The operation's name, if the row has another name. */
  operation?: string
  input: (world: World) => Record<string, unknown>
  key?: string
  alias?: string
  context?: string
  blob?: string
  spec?: string
  multiRegion?: boolean
}

const byKey = (more: object = {}): Row => ({
  input: ({ keyId }) => ({ KeyId: keyId, ...more }),
  key: 'KeyId',
})

export const ROWS: Record<string, Row> = {
  CreateKey: { input: () => ({ Description: 'x' }) },
  DescribeKey: byKey(),
  ListKeys: { input: () => ({}) },
  CreateAlias: {
    input: ({ keyId }) => ({ AliasName: `alias/${randomUUID()}`, TargetKeyId: keyId }),
    key: 'TargetKeyId',
  },
  UpdateAlias: {
    input: ({ keyId, alias }) => ({ AliasName: alias, TargetKeyId: keyId }),
    key: 'TargetKeyId',
    alias: 'AliasName',
  },
  DeleteAlias: { input: ({ alias }) => ({ AliasName: alias }), alias: 'AliasName' },
  ListAliases: byKey(),
  Encrypt: { ...byKey({ Plaintext: base64('x') }), blob: 'Plaintext' },
  Decrypt: {
    input: ({ ciphertext }) => ({ CiphertextBlob: ciphertext, EncryptionContext: CONTEXT }),
    key: 'KeyId',
    context: 'EncryptionContext',
    blob: 'CiphertextBlob',
  },
  ReEncrypt: {
    input: ({ ciphertext, otherKeyId }) => ({
      CiphertextBlob: ciphertext,
      SourceEncryptionContext: CONTEXT,
      DestinationKeyId: otherKeyId,
    }),
    key: 'SourceKeyId',
    context: 'SourceEncryptionContext',
    blob: 'CiphertextBlob',
  },
  'ReEncrypt to': {
    operation: 'ReEncrypt',
    input: ({ keyId, otherCiphertext }) => ({
      CiphertextBlob: otherCiphertext,
      DestinationKeyId: keyId,
    }),
    key: 'DestinationKeyId',
  },
  GenerateDataKey: byKey({ KeySpec: 'AES_256' }),
  GenerateDataKeyWithoutPlaintext: byKey({ NumberOfBytes: 64 }),
  GenerateDataKeyPair: byKey({ KeyPairSpec: 'ECC_NIST_P256' }),
  GenerateDataKeyPairWithoutPlaintext: byKey({ KeyPairSpec: 'ECC_NIST_P256' }),
  GenerateRandom: { input: () => ({ NumberOfBytes: 32 }) },
  GetPublicKey: { ...byKey(), spec: 'RSA_2048' },
  UpdateKeyDescription: byKey({ Description: 'new' }),
  TagResource: byKey({ Tags: [{ TagKey: 'team', TagValue: 'a' }] }),
  UntagResource: byKey({ TagKeys: ['team'] }),
  ListResourceTags: byKey(),
  EnableKey: byKey(),
  DisableKey: byKey(),
  ScheduleKeyDeletion: byKey({ PendingWindowInDays: 7 }),
  CancelKeyDeletion: byKey(),
  GetKeyPolicy: byKey(),
  PutKeyPolicy: {
    input: ({ keyId, policy }) => ({ KeyId: keyId, PolicyName: 'default', Policy: policy }),
    key: 'KeyId',
  },
  CreateGrant: {
    input: ({ keyId, principal }) => ({
      KeyId: keyId,
      GranteePrincipal: principal,
      Operations: ['GenerateDataKey'],
    }),
    key: 'KeyId',
  },
  RetireGrant: {
    input: ({ keyId, grantId }) => ({ KeyId: keyId, GrantId: grantId }),
    key: 'KeyId',
  },
  RevokeGrant: {
    input: ({ keyId, grantId }) => ({ KeyId: keyId, GrantId: grantId }),
    key: 'KeyId',
  },
  ListGrants: byKey(),
  EnableKeyRotation: byKey(),
  DisableKeyRotation: byKey(),
  GetKeyRotationStatus: byKey(),
  RotateKeyOnDemand: byKey(),
  ReplicateKey: { ...byKey({ ReplicaRegion: 'eu-central-1' }), multiRegion: true },
}

export async function makeWorld(
  kms: LocalKms,
  { spec, multiRegion }: Row,
  policy?: object,
): Promise<World> {
  const alias = `alias/${randomUUID()}`
  const { keyId, arn } = await kms.createKey({
    alias,
    ...(spec && { spec }),
    ...(multiRegion && { multiRegion }),
    ...(policy && { policy }),
  })
  const { keyId: otherKeyId } = await kms.createKey()
  const encrypt = async (more: object): Promise<string> =>
    (await succeed(kms, 'Encrypt', { Plaintext: base64('secret'), ...more }))['CiphertextBlob']
  return {
    keyId,
    otherKeyId,
    alias,
    policy: (await succeed(kms, 'GetKeyPolicy', { KeyId: keyId }))['Policy'],
    ciphertext:
      spec === undefined ? await encrypt({ KeyId: keyId, EncryptionContext: CONTEXT }) : '',
    otherCiphertext: await encrypt({ KeyId: otherKeyId }),
    principal: kms.admin.arn,
    grantId: kms.createGrant({
      key: arn,
      granteePrincipal: kms.admin.arn,
      operations: ['DescribeKey'],
    }),
  }
}
