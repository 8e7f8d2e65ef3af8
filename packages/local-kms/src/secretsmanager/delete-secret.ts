import { randomBytes } from 'node:crypto'
import { AwsError } from '../errors.js'
import { boolean, integer } from '../protocol/schema.js'
import { operation } from '../protocol/service.js'
import { findSecret, lookUpSecret, requireLive, SECRET_ID } from './find-secret.js'
import { invalid } from './secret-value.js'

const DAY_MS = 86_400_000

export const DeleteSecret = operation(
  {
    SecretId: SECRET_ID,
    RecoveryWindowInDays: integer({ min: -Infinity, max: Infinity }),
    ForceDeleteWithoutRecovery: boolean(),
  },
  (call, { SecretId, RecoveryWindowInDays: days, ForceDeleteWithoutRecovery: force = false }) => {
    const { secret, arn } = lookUpSecret(call, 'DeleteSecret', SecretId, [
      ['secretsmanager:ForceDeleteWithoutRecovery', force],
      ['secretsmanager:RecoveryWindowInDays', days],
    ])
    if (force && days !== undefined) {
      throw invalid(
        "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.",
      )
    }
    if (days !== undefined && (days < 7 || days > 30)) {
      throw invalid('The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).')
    }
    const deletionDate = force ? call.now : call.now + (days ?? 30) * DAY_MS
    if (secret === undefined && force) {
      return {
        ARN: SecretId.startsWith('arn:') ? SecretId : `${arn}-${randomBytes(3).toString('hex')}`,
        Name: SecretId,
        DeletionDate: new Date(deletionDate),
      }
    }
    if (secret === undefined) {
      throw new AwsError(
        'ResourceNotFoundException',
        "Secrets Manager can't find the specified secret.",
      )
    }
    if (!force) requireLive(secret)
    secret.deletionDate = deletionDate
    if (force) call.account.region(call.region).secrets.delete(secret.name)
    call.account.save()
    return { ARN: secret.arn, Name: secret.name, DeletionDate: new Date(deletionDate) }
  },
)

/** Also succeeds for a secret that is not marked for deletion. */
export const RestoreSecret = operation({ SecretId: SECRET_ID }, (call, { SecretId }) => {
  const secret = findSecret(call, 'RestoreSecret', SecretId)
  delete secret.deletionDate
  call.account.save()
  return { ARN: secret.arn, Name: secret.name }
})
