import { required, stringMap, unsupported } from '../protocol/schema.js'
import { operation } from '../protocol/service.js'
import { authorizeKey } from './authorize.js'
import {
  decryptWith,
  encryptWith,
  findSourceKey,
  recordContext,
  requireAlgorithm,
  useConditions,
} from './encrypt.js'
import { findKey } from './find-key.js'
import { checkGrantTokens } from './grants.js'
import { requireEnabled } from './key-state.js'
import * as m from './members.js'

/** Decrypts with one key and encrypts with another. The answer does not contain the plaintext. */
export const ReEncrypt = operation(
  {
    CiphertextBlob: required(m.ciphertextBlob),
    SourceKeyId: m.optionalKeyId,
    SourceEncryptionContext: stringMap(),
    SourceEncryptionAlgorithm: m.encryptionAlgorithm,
    DestinationKeyId: m.keyId,
    DestinationEncryptionContext: stringMap(),
    DestinationEncryptionAlgorithm: m.encryptionAlgorithm,
    GrantTokens: m.grantTokens,
    DryRun: m.dryRun,
    DryRunModifiers: unsupported(),
  },
  (call, input) => {
    const {
      CiphertextBlob: ciphertext,
      SourceEncryptionContext: fromContext = {},
      SourceEncryptionAlgorithm: fromAlgorithm = 'SYMMETRIC_DEFAULT',
      DestinationEncryptionContext: toContext = {},
      DestinationEncryptionAlgorithm: toAlgorithm = 'SYMMETRIC_DEFAULT',
    } = input
    if (Object.keys(fromContext).length > 0) call.entry.sourceEncryptionContext = fromContext
    recordContext(call, toContext)

    const from = findSourceKey(call, input.SourceKeyId, ciphertext, fromAlgorithm)
    call.entry.sourceKeyArn = from.arn
    const to = findKey(call, input.DestinationKeyId)
    const same: [string, boolean] = ['kms:ReEncryptOnSameKey', from.key.keyId === to.key.keyId]
    authorizeKey(
      call,
      'ReEncryptFrom',
      from,
      [...useConditions(fromContext, fromAlgorithm), same],
      {
        onCiphertext: true,
      },
    )
    authorizeKey(call, 'ReEncryptTo', to, [...useConditions(toContext, toAlgorithm), same])
    if (from.mismatch) throw from.mismatch
    requireEnabled(from)
    requireEnabled(to)
    checkGrantTokens(call, input.GrantTokens)
    requireAlgorithm(to, toAlgorithm, toContext)

    const { plaintext, materialId } = decryptWith(from, fromAlgorithm, ciphertext, fromContext)
    const CiphertextBlob = encryptWith(to, toAlgorithm, plaintext, toContext)
    m.endDryRun(input.DryRun)
    return {
      CiphertextBlob,
      SourceKeyId: from.arn,
      KeyId: to.arn,
      SourceEncryptionAlgorithm: fromAlgorithm,
      DestinationEncryptionAlgorithm: toAlgorithm,
      ...(materialId !== undefined && { SourceKeyMaterialId: materialId }),
      ...(toAlgorithm === 'SYMMETRIC_DEFAULT' && {
        DestinationKeyMaterialId: to.key.materials.at(-1)?.id,
      }),
    }
  },
)
