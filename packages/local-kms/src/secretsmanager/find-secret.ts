import { serviceArn } from '../arn.js'
import type { SecretRecord } from '../account/state.js'
import { authorizeByIam } from '../auth/authorize.js'
import { AwsError } from '../errors.js'
import type { Call } from '../protocol/call.js'

/**
 * Finds a secret by name, ARN, or ARN without its random suffix, and checks the permission on it.
 *
 * @throws AwsError AccessDenied- or ResourceNotFoundException
 */
export function findSecret(
  call: Call,
  action: string,
  id: string,
  conditions: [string, string | undefined][] = [],
): SecretRecord {
  const secrets = [...call.account.region(call.region).secrets.values()]
  const secret = secrets.find(
    ({ name, arn }) => id === name || id === arn || id === arn.slice(0, -7),
  )
  const scope = serviceArn('secretsmanager', call.region, call.account.id, `secret:${id}`)
  const arn = secret?.arn ?? (id.startsWith('arn:') ? id : scope)
  call.entry.resource = arn
  authorizeByIam(call, `secretsmanager:${action}`, arn, conditions)
  if (secret !== undefined && (secret.deletionDate ?? Infinity) > call.now) return secret
  throw new AwsError(
    'ResourceNotFoundException',
    "Secrets Manager can't find the specified secret.",
  )
}

export function requireLive({ deletionDate }: SecretRecord): void {
  if (deletionDate === undefined) return
  throw new AwsError(
    'InvalidRequestException',
    "You can't perform this operation on the secret because it was marked for deletion.",
  )
}
