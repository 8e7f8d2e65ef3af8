import type { SecretRecord, SecretVersion } from '../account/state.js'
import { AwsError } from '../errors.js'

/**
 * Adds a version with staging labels. A label belongs to one version. The version that loses
 * AWSCURRENT gets AWSPREVIOUS. The first version of a secret always gets AWSCURRENT.
 */
export function addVersion(secret: SecretRecord, version: SecretVersion, stages: string[]): void {
  const first = secret.versions.length === 0
  secret.versions.push(version)
  const labels = first && !stages.includes('AWSCURRENT') ? [...stages, 'AWSCURRENT'] : stages
  for (const stage of labels) setStage(secret, version, stage)
}

/** @throws AwsError InvalidParameter- or ResourceNotFoundException */
export function moveStage(
  secret: SecretRecord,
  stage: string,
  from: string | undefined,
  to: string | undefined,
): void {
  const holder = secret.versions.find(({ stages }) => stages.includes(stage))
  if (holder !== undefined && holder.versionId !== to && holder.versionId !== from) {
    throw new AwsError(
      'InvalidParameterException',
      `The parameter RemoveFromVersionId can't be empty. Staging label ${stage} is currently ` +
        `attached to version ${holder.versionId}, so you must explicitly reference that version ` +
        'in RemoveFromVersionId.',
    )
  }
  if (to === undefined) {
    if (stage === 'AWSCURRENT') {
      throw new AwsError(
        'InvalidParameterException',
        "You can only move staging label AWSCURRENT to a different secret version. It can't be " +
          'completely removed.',
      )
    }
    removeStage(holder, stage)
    return
  }
  const target = secret.versions.find(({ versionId }) => versionId === to)
  if (target === undefined) {
    throw new AwsError(
      'ResourceNotFoundException',
      `Secrets Manager can't find the specified secret value for VersionId: ${to}`,
    )
  }
  setStage(secret, target, stage)
}

export const stagesById = (secret: SecretRecord): Record<string, string[]> =>
  Object.fromEntries(
    secret.versions
      .filter(({ stages }) => stages.length > 0)
      .map(({ versionId, stages }) => [versionId, stages]),
  )

function setStage(secret: SecretRecord, version: SecretVersion, stage: string): void {
  const holder = secret.versions.find(({ stages }) => stages.includes(stage))
  if (holder === version) return
  removeStage(holder, stage)
  version.stages = [...version.stages, stage]
  if (stage === 'AWSCURRENT' && holder !== undefined) setStage(secret, holder, 'AWSPREVIOUS')
}

function removeStage(version: SecretVersion | undefined, stage: string): void {
  if (version !== undefined) version.stages = version.stages.filter((other) => other !== stage)
}
