import type { SecretRecord } from '../account/state.js'
import { serviceArn } from '../arn.js'
import { authorizeByIam } from '../auth/authorize.js'
import { AwsError } from '../errors.js'
import type { Call } from '../protocol/call.js'
import { required, string } from '../protocol/schema.js'

export const SECRET_ID = required(string({ min: 1, max: 2048 }))

type Conditions = [string, string | number | boolean | undefined][]

/**
 * Finds a secret by name, ARN, or ARN without its random suffix, and checks the permission on it.
 *
 * @throws AwsError AccessDenied-, Validation- or ResourceNotFoundException
 */
export function findSecret(
  call: Call,
  action: string,
  id: string,
  conditions: Conditions = [],
): SecretRecord {
  const { secret } = lookUpSecret(call, action, id, conditions)
  if (secret !== undefined) return secret
  throw new AwsError(
    'ResourceNotFoundException',
    "Secrets Manager can't find the specified secret.",
  )
}

/** Works as findSecret, but does not fail if the secret does not exist. */
export function lookUpSecret(
  call: Call,
  action: string,
  id: string,
  conditions: Conditions = [],
): { secret: SecretRecord | undefined; arn: string } {
  const secrets = [...call.account.region(call.region).secrets.values()]
  const secret = secrets.find(
    ({ name, arn }) =>
      id === name || id === arn || (id === arn.slice(0, -SUFFIX_LENGTH) && !hasSuffix(id)),
  )
  const arn = secret?.arn ?? (isArn(id) ? id : secretArn(call, id))
  call.entry.resource = arn
  authorizeByIam(call, `secretsmanager:${action}`, arn, [
    ['secretsmanager:SecretId', secret?.arn ?? id],
    ...(secret?.tags ?? []).map(({ Key, Value }): [string, string] => [
      `secretsmanager:ResourceTag/${Key}`,
      Value,
    ]),
    ...conditions,
  ])
  if (!isArn(id)) checkSecretName(id)
  const exists = secret !== undefined && (secret.deletionDate ?? Infinity) > call.now
  return { secret: exists ? secret : undefined, arn }
}

const isArn = (id: string): boolean => id.startsWith('arn:')

/** Six random characters after a hyphen, at the end of each secret's ARN. */
const SUFFIX_LENGTH = 7

/** AWS takes such an ARN for a complete one, even if the suffix is part of the secret's name. */
const hasSuffix = (arn: string): boolean => /-\w{6}$/.test(arn)

export const secretArn = (call: Call, name: string): string =>
  serviceArn('secretsmanager', call.region, call.account.id, `secret:${name}`)

/** @throws AwsError ValidationException */
export function checkSecretName(name: string): void {
  if (/^[\w/+=.@!-]+$/.test(name)) return
  throw new AwsError(
    'ValidationException',
    'Invalid name. Must be a valid name containing alphanumeric characters, or any of the ' +
      'following: -/_+=.@!',
  )
}

/** @throws AwsError InvalidRequestException for a secret that is marked for deletion */
export function requireLive({ deletionDate }: SecretRecord): void {
  if (deletionDate === undefined) return
  throw new AwsError(
    'InvalidRequestException',
    "You can't perform this operation on the secret because it was marked for deletion.",
  )
}
