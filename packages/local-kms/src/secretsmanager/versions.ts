import type { SecretRecord, SecretVersion } from '../account/state.js'
import { AwsError } from '../errors.js'
import { pageOf } from '../protocol/paging.js'
import { boolean, list, required, string, unsupported } from '../protocol/schema.js'
import { operation } from '../protocol/service.js'
import { INVALID_TOKEN, PAGING } from './describe-secrets.js'
import { findSecret, requireLive, SECRET_ID } from './find-secret.js'
import { findRepeated, hasValue, invalid, newVersion, openSecret, VALUE } from './secret-value.js'
import { addVersion, moveStage } from './version-stages.js'

const DAY_MS = 86_400_000
const VERSION_ID = string({ min: 32, max: 64 })
const STAGE = string({ min: 1, max: 256 })

export const PutSecretValue = operation(
  {
    SecretId: SECRET_ID,
    ...VALUE,
    RotationToken: unsupported(),
    VersionStages: list(required(STAGE), { min: 1, max: 20 }),
  },
  async (call, input) => {
    const secret = findSecret(call, 'PutSecretValue', input.SecretId)
    requireLive(secret)
    if (!hasValue(input)) {
      throw invalid('You must provide either SecretString or SecretBinary.')
    }
    const stages = input.VersionStages ?? ['AWSCURRENT']
    const repeated = await findRepeated(call, secret, input)
    if (repeated !== undefined) return answer(secret, repeated)
    const version = await newVersion(call, secret, input)
    addVersion(secret, version, stages)
    secret.changedAt = call.now
    call.account.save()
    return answer(secret, version)
  },
)

export const GetSecretValue = operation(
  { SecretId: SECRET_ID, VersionId: VERSION_ID, VersionStage: STAGE },
  async (call, { SecretId, VersionId, VersionStage }) => {
    const stage = VersionStage ?? (VersionId === undefined ? 'AWSCURRENT' : undefined)
    const secret = findSecret(call, 'GetSecretValue', SecretId, [
      ['secretsmanager:VersionId', VersionId],
      ['secretsmanager:VersionStage', stage],
    ])
    requireLive(secret)
    const version = findVersion(secret, VersionId, stage)
    const value = await openSecret(call, secret, version)
    const today = call.now - (call.now % DAY_MS)
    if (secret.accessedAt !== today || version.accessedAt !== today) {
      secret.accessedAt = today
      version.accessedAt = today
      call.account.save()
    }
    return {
      ...answer(secret, version),
      ...(version.kind === 'string'
        ? { SecretString: value.toString('utf8') }
        : { SecretBinary: value }),
      CreatedDate: new Date(version.createdAt),
    }
  },
)

/** @throws AwsError ResourceNotFound- or InvalidRequestException */
function findVersion(
  { versions }: SecretRecord,
  versionId: string | undefined,
  stage: string | undefined,
): SecretVersion {
  const version = versions.find((one) =>
    versionId === undefined ? one.stages.includes(stage ?? '') : one.versionId === versionId,
  )
  if (version === undefined) {
    const what = versionId === undefined ? `staging label: ${stage}` : `VersionId: ${versionId}`
    throw new AwsError(
      'ResourceNotFoundException',
      `Secrets Manager can't find the specified secret value for ${what}`,
    )
  }
  if (stage !== undefined && !version.stages.includes(stage)) {
    throw new AwsError(
      'InvalidRequestException',
      'You provided a VersionStage that is not associated to the provided VersionId.',
    )
  }
  return version
}

export const ListSecretVersionIds = operation(
  { SecretId: SECRET_ID, ...PAGING, IncludeDeprecated: boolean() },
  (call, { SecretId, MaxResults = 100, NextToken, IncludeDeprecated = false }) => {
    const secret = findSecret(call, 'ListSecretVersionIds', SecretId)
    const listed = secret.versions.filter(({ stages }) => IncludeDeprecated || stages.length > 0)
    const { page, next } = pageOf(listed, ({ versionId }) => versionId, {
      limit: MaxResults,
      marker: NextToken,
      error: INVALID_TOKEN,
    })
    return {
      Versions: page.map(({ versionId, stages, createdAt, accessedAt }) => ({
        VersionId: versionId,
        ...(stages.length > 0 && { VersionStages: stages }),
        ...(accessedAt !== undefined && { LastAccessedDate: new Date(accessedAt) }),
        CreatedDate: new Date(createdAt),
        KmsKeyIds: [secret.kmsKeyId ?? 'DefaultEncryptionKey'],
      })),
      ARN: secret.arn,
      Name: secret.name,
      ...(next !== undefined && { NextToken: next }),
    }
  },
)

export const UpdateSecretVersionStage = operation(
  {
    SecretId: SECRET_ID,
    VersionStage: required(STAGE),
    RemoveFromVersionId: VERSION_ID,
    MoveToVersionId: VERSION_ID,
  },
  (call, { SecretId, VersionStage, RemoveFromVersionId, MoveToVersionId }) => {
    const secret = findSecret(call, 'UpdateSecretVersionStage', SecretId, [
      ['secretsmanager:VersionStage', VersionStage],
    ])
    requireLive(secret)
    moveStage(secret, VersionStage, RemoveFromVersionId, MoveToVersionId)
    secret.changedAt = call.now
    call.account.save()
    return { ARN: secret.arn, Name: secret.name }
  },
)

const answer = (secret: SecretRecord, version: SecretVersion) => ({
  ARN: secret.arn,
  Name: secret.name,
  VersionId: version.versionId,
  VersionStages: version.stages,
})
