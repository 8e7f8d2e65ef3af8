import { randomBytes } from 'node:crypto'
import { serviceArn } from '../arn.js'
import type { SecretRecord, SecretVersion } from '../account/state.js'
import { authorizeByIam } from '../auth/authorize.js'
import { AwsError } from '../errors.js'
import {
  blob,
  boolean,
  integer,
  list,
  required,
  string,
  structure,
  unsupported,
} from '../protocol/schema.js'
import type { Call } from '../protocol/call.js'
import { operation, type Operations } from '../protocol/service.js'
import { findSecret, requireLive } from './find-secret.js'
import { hasValue, invalid, newVersion, openSecret, putBefore, type Value } from './secret-value.js'
import { addVersion, moveStage, stagesById } from './version-stages.js'

const SECRET_ID = required(string({ min: 1, max: 2048 }))
const VALUE = {
  ClientRequestToken: string({ min: 32, max: 64 }),
  SecretString: string({ min: 1, max: 65_536, sensitive: true }),
  SecretBinary: blob({ max: 65_536 }),
}

const CreateSecret = operation(
  {
    Name: required(string({ min: 1, max: 512 })),
    ...VALUE,
    Description: string({ max: 2048 }),
    KmsKeyId: string({ max: 2048 }),
    AddReplicaRegions: unsupported(),
    ForceOverwriteReplicaSecret: unsupported(),
    Type: unsupported(),
    Tags: list(required(structure({ Key: required(string()), Value: required(string()) }))),
  },
  async (call, input) => {
    const { Name: name } = input
    const scope = serviceArn('secretsmanager', call.region, call.account.id, `secret:${name}`)
    const arn = `${scope}-${randomBytes(8).toString('base64url').replace(/[-_]/g, 'x').slice(0, 6)}`
    call.entry.resource = arn
    authorizeByIam(call, 'secretsmanager:CreateSecret', arn, [['secretsmanager:Name', name]])
    if (!/^[\w/+=.@-]+$/.test(name)) {
      throw new AwsError(
        'ValidationException',
        'Invalid name. Must be a valid name containing alphanumeric characters, or any of the ' +
          'following: -/_+=.@!',
      )
    }
    const { secrets } = call.account.region(call.region)
    const existing = secrets.get(name)
    if (existing !== undefined && (existing.deletionDate ?? Infinity) > call.now) {
      return createdBefore(call, existing, input)
    }
    const secret: SecretRecord = {
      name,
      arn,
      ...(input.Description !== undefined && { description: input.Description }),
      ...(input.KmsKeyId !== undefined && { kmsKeyId: input.KmsKeyId }),
      createdAt: call.now,
      changedAt: call.now,
      tags: input.Tags ?? [],
      versions: [],
    }
    const version = hasValue(input) ? await newVersion(call, secret, input) : undefined
    if (version !== undefined) addVersion(secret, version, ['AWSCURRENT'])
    call.account.region(call.region).secrets.set(name, secret)
    call.account.save()
    return { ARN: arn, Name: name, ...(version && { VersionId: version.versionId }) }
  },
)

const PutSecretValue = operation(
  {
    SecretId: SECRET_ID,
    ...VALUE,
    RotationToken: unsupported(),
    VersionStages: list(required(string({ min: 1, max: 256 })), { min: 1, max: 20 }),
  },
  async (call, input) => {
    const secret = findSecret(call, 'PutSecretValue', input.SecretId)
    requireLive(secret)
    if (!hasValue(input)) {
      throw invalid('You must provide either SecretString or SecretBinary.')
    }
    const stages = input.VersionStages ?? ['AWSCURRENT']
    const before = await putBefore(call, secret, input)
    if (before !== undefined) return answer(secret, before)
    const version = await newVersion(call, secret, input)
    addVersion(secret, version, stages)
    secret.changedAt = call.now
    call.account.save()
    return answer(secret, version)
  },
)

const GetSecretValue = operation(
  {
    SecretId: SECRET_ID,
    VersionId: string({ min: 32, max: 64 }),
    VersionStage: string({ min: 1, max: 256 }),
  },
  async (call, { SecretId, VersionId, VersionStage }) => {
    const secret = findSecret(call, 'GetSecretValue', SecretId, [
      ['secretsmanager:VersionId', VersionId],
      [
        'secretsmanager:VersionStage',
        VersionStage ?? (VersionId === undefined ? 'AWSCURRENT' : undefined),
      ],
    ])
    requireLive(secret)
    const stage = VersionStage ?? (VersionId === undefined ? 'AWSCURRENT' : undefined)
    const version = secret.versions.find(
      ({ versionId, stages }) =>
        (VersionId === undefined || versionId === VersionId) &&
        (stage === undefined || stages.includes(stage)),
    )
    if (version === undefined) {
      const what = VersionId === undefined ? `staging label: ${stage}` : `VersionId: ${VersionId}`
      throw new AwsError(
        'ResourceNotFoundException',
        `Secrets Manager can't find the specified secret value for ${what}`,
      )
    }
    const value = await openSecret(call, secret, version)
    return {
      ...answer(secret, version),
      ...(version.kind === 'string'
        ? { SecretString: value.toString('utf8') }
        : { SecretBinary: value }),
      CreatedDate: new Date(version.createdAt),
    }
  },
)

const DescribeSecret = operation({ SecretId: SECRET_ID }, (call, { SecretId }) => {
  const secret = findSecret(call, 'DescribeSecret', SecretId)
  return {
    ARN: secret.arn,
    Name: secret.name,
    Description: secret.description,
    KmsKeyId: secret.kmsKeyId,
    CreatedDate: new Date(secret.createdAt),
    LastChangedDate: new Date(secret.changedAt),
    ...(secret.deletionDate !== undefined && { DeletedDate: new Date(secret.deletionDate) }),
    Tags: secret.tags,
    VersionIdsToStages: stagesById(secret),
  }
})

const UpdateSecretVersionStage = operation(
  {
    SecretId: SECRET_ID,
    VersionStage: required(string({ min: 1, max: 256 })),
    RemoveFromVersionId: string({ min: 32, max: 64 }),
    MoveToVersionId: string({ min: 32, max: 64 }),
  },
  (call, { SecretId, VersionStage, RemoveFromVersionId, MoveToVersionId }) => {
    const secret = findSecret(call, 'UpdateSecretVersionStage', SecretId)
    requireLive(secret)
    moveStage(secret, VersionStage, RemoveFromVersionId, MoveToVersionId)
    secret.changedAt = call.now
    call.account.save()
    return { ARN: secret.arn, Name: secret.name }
  },
)

const DeleteSecret = operation(
  {
    SecretId: SECRET_ID,
    RecoveryWindowInDays: integer({ min: 7, max: 30 }),
    ForceDeleteWithoutRecovery: boolean(),
  },
  (call, { SecretId, RecoveryWindowInDays = 30, ForceDeleteWithoutRecovery: force }) => {
    const secret = findSecret(call, 'DeleteSecret', SecretId)
    requireLive(secret)
    secret.deletionDate = force === true ? call.now : call.now + RecoveryWindowInDays * 86_400_000
    if (force === true) call.account.region(call.region).secrets.delete(secret.name)
    call.account.save()
    return { ARN: secret.arn, Name: secret.name, DeletionDate: new Date(secret.deletionDate) }
  },
)

/** The operations of `secretsmanager`. */
export const secretsManagerOperations = {
  CreateSecret,
  PutSecretValue,
  GetSecretValue,
  DescribeSecret,
  UpdateSecretVersionStage,
  DeleteSecret,
} satisfies Operations

/** A secret of that name is there: the answer to a retry, or a refusal. */
async function createdBefore(call: Call, secret: SecretRecord, input: Value) {
  if (secret.deletionDate !== undefined) {
    throw new AwsError(
      'InvalidRequestException',
      "You can't create this secret because a secret with this name is already scheduled for deletion.",
    )
  }
  const before = hasValue(input) ? await putBefore(call, secret, input) : undefined
  if (before !== undefined)
    return { ARN: secret.arn, Name: secret.name, VersionId: before.versionId }
  throw new AwsError(
    'ResourceExistsException',
    `The operation failed because the secret ${secret.name} already exists.`,
  )
}

const answer = (secret: SecretRecord, version: SecretVersion) => ({
  ARN: secret.arn,
  Name: secret.name,
  VersionId: version.versionId,
  VersionStages: version.stages,
})
