import { present } from '../../aws/aws-error.js'
import { clientsOf, PATIENT } from '../../aws/clients.js'
import { optionalClient } from '../../aws/optional-client.js'
import type { AwsOptions } from '../../options/types.js'
import { jsonMember } from '../../util/json-member.js'
import { type Mark, shown } from '../collect/mark.js'
import { plaintextOf } from './plaintext.js'
import { refuse } from './refuse.js'
import { explainSource } from './source-error.js'
import type { SecretValue, Sources } from './types.js'

/**
 * Returns a secret of Secrets Manager, or the value of one key of its JSON.
 *
 * @throws KmsBuildError SOURCE_NOT_FOUND, SOURCE_DENIED, SOURCE_FAILED, SOURCE_UNSUITABLE, and what
 *   `plaintextOf` throws.
 */
export async function fromSecretsManager(mark: Mark, sources: Sources) {
  const { argument, detail, options, format } = mark
  const { SecretString, SecretBinary } = await sources.remote
    .secretValue(argument, options.stage)
    .catch(async (error: unknown) => {
      throw await explainSource(error, mark, 'secretsmanager:GetSecretValue', sources.remote)
    })
  if (SecretString === undefined) {
    if (detail !== undefined)
      refuse(
        'SOURCE_UNSUITABLE',
        `${shown(mark)}: the secret is binary and has no keys. Use the complete secret: secret.secretsManager('${argument}', { as: 'bytes' }).`,
        mark,
      )
    if (format !== 'bytes')
      refuse(
        'SOURCE_UNSUITABLE',
        `${shown(mark)} is binary. Read its bytes: { as: 'bytes' }.`,
        mark,
      )
    return plaintextOf(mark, SecretBinary ?? new Uint8Array())
  }
  return plaintextOf(
    mark,
    detail === undefined ? SecretString : valueAt(detail, SecretString, mark),
  )
}

/** Returns the value of a key of the secret's JSON. Values other than strings are returned as JSON. */
function valueAt(key: string, text: string, mark: Mark): string {
  let fields: unknown
  try {
    fields = JSON.parse(text)
  } catch {
    // V8's error quotes the secret.
  }
  if (typeof fields !== 'object' || fields === null || Array.isArray(fields)) {
    return refuse(
      'SOURCE_UNSUITABLE',
      `${shown(mark)}: the secret is not a JSON object and has no keys. Use the complete secret: secret.secretsManager('${mark.argument}').`,
      mark,
    )
  }
  if (!Object.hasOwn(fields, key))
    refuse('SOURCE_NOT_FOUND', `${shown(mark)}: the secret's JSON has no key ${key}.`, mark)
  const value = (fields as Record<string, unknown>)[key]
  const source = jsonMember(text, key)!
  if (mark.format === 'json') return source
  if (typeof value === 'object')
    refuse(
      'SOURCE_UNSUITABLE',
      `${shown(mark)} is ${value === null ? 'null' : 'not a string'} in the secret's JSON. Read it as JSON: { as: 'json' }.`,
      mark,
    )
  return typeof value === 'string' ? value : source
}

const loadSecretsManager = () =>
  optionalClient(
    '@aws-sdk/client-secrets-manager',
    'reads secrets of Secrets Manager',
    () => import('@aws-sdk/client-secrets-manager'),
  )

/** Reads secrets through the AWS SDK, which is loaded at the first call. */
export function secretValues(aws: AwsOptions) {
  const clientFor = clientsOf(
    aws,
    'Secrets Manager',
    async (config) => {
      const { SecretsManagerClient } = await loadSecretsManager()
      return new SecretsManagerClient({ ...config, ...PATIENT })
    },
    { isPatient: true },
  )
  return async (SecretId: string, VersionStage: string | undefined): Promise<SecretValue> => {
    const region = /^arn:aws[a-z-]*:secretsmanager:([a-z0-9-]+):/.exec(SecretId)?.[1]
    const { GetSecretValueCommand } = await loadSecretsManager()
    const client = await clientFor(region)
    const answer = await client.send(
      new GetSecretValueCommand({ SecretId, ...(VersionStage && { VersionStage }) }),
    )
    present(answer.SecretString ?? answer.SecretBinary)
    return answer
  }
}
