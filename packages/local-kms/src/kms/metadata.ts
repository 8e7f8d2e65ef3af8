import { keyArn } from '../arn.js'
import type { KeyRecord, KeySpec } from '../account/state.js'
import type { Call } from '../protocol/call.js'
import { replicaRegions } from './multi-region.js'

/** The key usage of all keys. */
export const KEY_USAGE = 'ENCRYPT_DECRYPT'

export const encryptionAlgorithms = (spec: KeySpec): string[] =>
  spec === 'SYMMETRIC_DEFAULT' ? ['SYMMETRIC_DEFAULT'] : ['RSAES_OAEP_SHA_1', 'RSAES_OAEP_SHA_256']

/** Returns the KeyMetadata of CreateKey and DescribeKey. */
export function keyMetadata(call: Call, key: KeyRecord, region = call.region): object {
  const accountId = call.account.id
  return {
    AWSAccountId: accountId,
    KeyId: key.keyId,
    Arn: keyArn(region, accountId, key.keyId),
    CreationDate: new Date(key.createdAt),
    Enabled: key.state === 'Enabled',
    Description: key.description,
    KeyUsage: KEY_USAGE,
    KeyState: key.state,
    Origin: 'AWS_KMS',
    KeyManager: key.manager,
    CustomerMasterKeySpec: key.spec,
    KeySpec: key.spec,
    EncryptionAlgorithms: encryptionAlgorithms(key.spec),
    MultiRegion: key.multiRegion !== undefined,
    ...(key.multiRegion && {
      MultiRegionConfiguration: {
        MultiRegionKeyType: key.multiRegion.type,
        PrimaryKey: multiRegionKey(accountId, key.keyId, key.multiRegion.primaryRegion),
        ReplicaKeys: replicaRegions(call, key.keyId).map((name) =>
          multiRegionKey(accountId, key.keyId, name),
        ),
      },
    }),
    ...(key.state === 'PendingReplicaDeletion' && {
      PendingDeletionWindowInDays: key.pendingWindowInDays,
    }),
    ...(key.state === 'PendingDeletion' && { DeletionDate: new Date(key.deletionDate as number) }),
    ...(key.spec === 'SYMMETRIC_DEFAULT' && { CurrentKeyMaterialId: key.materials.at(-1)?.id }),
  }
}

const multiRegionKey = (accountId: string, keyId: string, region: string): object => ({
  Arn: keyArn(region, accountId, keyId),
  Region: region,
})
