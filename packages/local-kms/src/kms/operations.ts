import type { Operations } from '../protocol/service.js'
import * as aliases from './aliases.js'
import { CreateGrant } from './create-grant.js'
import * as dataKey from './data-key.js'
import * as deletion from './deletion.js'
import { Decrypt, Encrypt } from './encrypt.js'
import * as keyPolicy from './key-policy.js'
import * as keys from './keys.js'
import * as grants from './grant-operations.js'
import { GetPublicKey } from './public-key.js'
import { GenerateRandom } from './random.js'
import { ReEncrypt } from './re-encrypt.js'
import { ReplicateKey } from './replicate.js'
import * as rotation from './rotation.js'
import * as tags from './tags.js'

/** The operations of KMS, whose name in `x-amz-target` is `TrentService`. */
export const kmsOperations = {
  CreateKey: keys.CreateKey,
  DescribeKey: keys.DescribeKey,
  ListKeys: keys.ListKeys,
  EnableKey: keys.EnableKey,
  DisableKey: keys.DisableKey,
  UpdateKeyDescription: keys.UpdateKeyDescription,
  CreateAlias: aliases.CreateAlias,
  UpdateAlias: aliases.UpdateAlias,
  DeleteAlias: aliases.DeleteAlias,
  ListAliases: aliases.ListAliases,
  Encrypt,
  Decrypt,
  ReEncrypt,
  GenerateDataKey: dataKey.GenerateDataKey,
  GenerateDataKeyWithoutPlaintext: dataKey.GenerateDataKeyWithoutPlaintext,
  GenerateDataKeyPair: dataKey.GenerateDataKeyPair,
  GenerateDataKeyPairWithoutPlaintext: dataKey.GenerateDataKeyPairWithoutPlaintext,
  GenerateRandom,
  GetPublicKey,
  GetKeyPolicy: keyPolicy.GetKeyPolicy,
  PutKeyPolicy: keyPolicy.PutKeyPolicy,
  ScheduleKeyDeletion: deletion.ScheduleKeyDeletion,
  CancelKeyDeletion: deletion.CancelKeyDeletion,
  EnableKeyRotation: rotation.EnableKeyRotation,
  DisableKeyRotation: rotation.DisableKeyRotation,
  GetKeyRotationStatus: rotation.GetKeyRotationStatus,
  RotateKeyOnDemand: rotation.RotateKeyOnDemand,
  ReplicateKey,
  CreateGrant,
  ListGrants: grants.ListGrants,
  RetireGrant: grants.RetireGrant,
  RevokeGrant: grants.RevokeGrant,
  TagResource: tags.TagResource,
  UntagResource: tags.UntagResource,
  ListResourceTags: tags.ListResourceTags,
} satisfies Operations

/** The operations that principals of other accounts can use. */
export const CROSS_ACCOUNT: ReadonlySet<string> = new Set([
  'CreateGrant',
  'RetireGrant',
  'RevokeGrant',
  'Decrypt',
  'DescribeKey',
  'Encrypt',
  'GenerateDataKey',
  'GenerateDataKeyPair',
  'GenerateDataKeyPairWithoutPlaintext',
  'GenerateDataKeyWithoutPlaintext',
  'GetKeyRotationStatus',
  'GetPublicKey',
  'ListGrants',
  'ReEncrypt',
])
