import { randomBytes } from 'node:crypto'
import type { SecretRecord } from '../account/state.js'
import { authorizeByIam } from '../auth/authorize.js'
import { AwsError } from '../errors.js'
import type { Call } from '../protocol/call.js'
import { list, required, string, structure, unsupported } from '../protocol/schema.js'
import { operation } from '../protocol/service.js'
import { checkSecretName, findSecret, requireLive, secretArn, SECRET_ID } from './find-secret.js'
import { findRepeated, hasValue, newVersion, reseal, VALUE, type Value } from './secret-value.js'
import { addVersion } from './version-stages.js'

export const CreateSecret = operation(
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
    const suffix = randomBytes(8).toString('base64url').replace(/[-_]/g, 'x').slice(0, 6)
    const arn = `${secretArn(call, name)}-${suffix}`
    call.entry.resource = arn
    authorizeByIam(call, 'secretsmanager:CreateSecret', arn, [['secretsmanager:Name', name]])
    checkSecretName(name)
    const { secrets } = call.account.region(call.region)
    const existing = secrets.get(name)
    if (existing !== undefined && (existing.deletionDate ?? Infinity) > call.now) {
      return answerRepeated(call, existing, input)
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

/** Answers a request for a secret that exists: a retry succeeds, any other request fails. */
async function answerRepeated(call: Call, secret: SecretRecord, input: Value) {
  if (secret.deletionDate !== undefined) {
    throw new AwsError(
      'InvalidRequestException',
      "You can't create this secret because a secret with this name is already scheduled for deletion.",
    )
  }
  const repeated = hasValue(input) ? await findRepeated(call, secret, input) : undefined
  if (repeated !== undefined)
    return { ARN: secret.arn, Name: secret.name, VersionId: repeated.versionId }
  throw new AwsError(
    'ResourceExistsException',
    `The operation failed because the secret ${secret.name} already exists.`,
  )
}

export const UpdateSecret = operation(
  {
    SecretId: SECRET_ID,
    ...VALUE,
    Description: string({ max: 2048 }),
    KmsKeyId: string({ max: 2048 }),
    Type: unsupported(),
  },
  async (call, input) => {
    const secret = findSecret(call, 'UpdateSecret', input.SecretId, [
      ['secretsmanager:Description', input.Description],
      ['secretsmanager:KmsKeyId', input.KmsKeyId],
    ])
    requireLive(secret)
    const isNew = hasValue(input)
    const updated: SecretRecord = { ...secret, changedAt: call.now, versions: [...secret.versions] }
    if (input.Description !== undefined) updated.description = input.Description
    if (input.KmsKeyId === '') delete updated.kmsKeyId
    else if (input.KmsKeyId !== undefined) updated.kmsKeyId = input.KmsKeyId
    const repeated = isNew ? await findRepeated(call, secret, input) : undefined
    const version = isNew ? (repeated ?? (await newVersion(call, updated, input))) : undefined
    if (updated.kmsKeyId !== secret.kmsKeyId) updated.versions = await reseal(call, updated)
    if (version !== undefined && repeated === undefined) {
      addVersion(updated, version, ['AWSCURRENT'])
    }
    call.account.region(call.region).secrets.set(secret.name, updated)
    call.account.save()
    return {
      ARN: secret.arn,
      Name: secret.name,
      ...(version && { VersionId: version.versionId }),
    }
  },
)
