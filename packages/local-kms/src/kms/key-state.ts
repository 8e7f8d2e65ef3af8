import { AwsError } from '../errors.js'
import type { FoundKey } from './found-key.js'

/**
 * Checks the key state, as in AWS's page "Key states of AWS KMS keys".
 *
 * @throws AwsError DisabledException or KMSInvalidStateException
 */
export function requireEnabled({ key, arn }: FoundKey): void {
  requireNotPendingDeletion({ key, arn })
  if (key.state === 'Disabled') throw new AwsError('DisabledException', `${arn} is disabled.`)
}

/** @throws AwsError KMSInvalidStateException */
export function requireNotPendingDeletion({ key, arn }: FoundKey): void {
  if (isPendingDeletion({ key, arn })) {
    throw new AwsError('KMSInvalidStateException', `${arn} is pending deletion.`)
  }
}

export const isPendingDeletion = ({ key }: FoundKey): boolean =>
  key.state === 'PendingDeletion' || key.state === 'PendingReplicaDeletion'
