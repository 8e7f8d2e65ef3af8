import type { KeyMaterial } from '../account/state.js'
import { AwsError } from '../errors.js'
import { operation } from '../protocol/service.js'
import { authorizeKey } from './authorize.js'
import { findKey } from './find-key.js'
import { checkGrantTokens } from './grants.js'
import { rsaPublicKey } from './key-material.js'
import { requireEnabled } from './key-state.js'
import * as m from './members.js'
import { encryptionAlgorithms, KEY_USAGE } from './metadata.js'

export const GetPublicKey = operation(
  { KeyId: m.keyId, GrantTokens: m.grantTokens },
  (call, { KeyId, GrantTokens }) => {
    const found = findKey(call, KeyId)
    const { key, arn } = found
    authorizeKey(call, 'GetPublicKey', found)
    checkGrantTokens(call, GrantTokens)
    if (key.spec === 'SYMMETRIC_DEFAULT') {
      throw new AwsError(
        'UnsupportedOperationException',
        `${arn} key spec is SYMMETRIC_DEFAULT which is not valid for GetPublicKey.`,
      )
    }
    requireEnabled(found)
    return {
      KeyId: arn,
      PublicKey: rsaPublicKey(key.materials[0] as KeyMaterial).export({
        type: 'spki',
        format: 'der',
      }),
      CustomerMasterKeySpec: key.spec,
      KeySpec: key.spec,
      KeyUsage: KEY_USAGE,
      EncryptionAlgorithms: encryptionAlgorithms(key.spec),
    }
  },
)
