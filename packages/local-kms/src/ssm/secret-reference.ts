import { AwsError } from '../errors.js'
import type { Call } from '../protocol/call.js'
import { performOnBehalf } from '../protocol/service.js'
import { GetSecretValue } from '../secretsmanager/versions.js'
import type { ParameterName } from './names.js'

const PREFIX = '/aws/reference/secretsmanager/'

export const isSecretReference = ({ name }: ParameterName): boolean => name.startsWith(PREFIX)

/**
 * Reads a secret of Secrets Manager as a parameter, with the caller's permissions.
 *
 * @throws AwsError ValidationException, ParameterNotFound, or the errors of GetSecretValue
 */
export async function readSecretReference(
  call: Call,
  { name, selector }: ParameterName,
  withDecryption: boolean | undefined,
): Promise<object> {
  if (withDecryption !== true) {
    throw new AwsError(
      'ValidationException',
      'WithDecryption flag must be True for retrieving a Secret Manager secret.',
    )
  }
  const isVersionId = selector !== undefined && selector.length >= 32
  const secret = await performOnBehalf(
    'ssm',
    'GetSecretValue',
    GetSecretValue,
    call,
    {
      SecretId: name.slice(PREFIX.length),
      ...(selector !== undefined && { [isVersionId ? 'VersionId' : 'VersionStage']: selector }),
    },
    'secretsmanager',
  ).catch((error: unknown) => {
    if (!(error instanceof AwsError) || error.type !== 'ResourceNotFoundException') throw error
    throw new AwsError(
      'ParameterNotFound',
      'An error occurred (ParameterNotFound) when referencing Secrets Manager: ' +
        `Secret ${name} not found.`,
    )
  })
  if (!('SecretString' in secret)) {
    throw new AwsError('ValidationException', 'Binary secrets are not supported.')
  }
  const { ARN, CreatedDate } = secret
  const source = {
    ARN,
    name: secret.Name,
    versionId: secret.VersionId,
    versionStages: secret.VersionStages,
    createdDate: CreatedDate.toISOString(),
  }
  return {
    Name: name,
    Type: 'SecureString',
    Value: secret.SecretString,
    Version: 0,
    ...(selector !== undefined && { Selector: `:${selector}` }),
    SourceResult: JSON.stringify(source),
    LastModifiedDate: CreatedDate,
    ARN,
    DataType: 'text',
  }
}
