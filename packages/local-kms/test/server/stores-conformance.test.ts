import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startLocalKms, type Credentials, type LocalKms } from '../../src/index.js'
import { OPERATIONS } from '../../src/server/services.js'
import { call, succeed } from '../call.js'
import { readTable } from '../table.js'

/**
 * The documented answers of Parameter Store and Secrets Manager for a value under a customer managed
 * key: 200, or the `__type` of an HTTP 400. `-` means that the case does not apply.
 *
 * unknown: no such parameter or secret. key, alias: no such KMS key. longest, too long: 4096 bytes
 * in a standard parameter, 65536 in a secret, and one more. permission: a user without any policy.
 * key policy: a role whose IAM policy allows everything, and a key policy that does not allow it.
 */
const TABLE = `
operation                               | success | unknown | key     | alias   | disabled | pending | base64 | 0     | longest | too long | region  | permission | key policy
ssm:PutParameter                        | 200     | -       | KeyId   | KeyId   | KeyId    | KeyId   | -      | Input | 200     | Input    | KeyId   | Denied     | Denied
ssm:GetParameter                        | 200     | None    | -       | -       | KeyId    | KeyId   | -      | -     | -       | -        | None    | Denied     | Denied
ssm:GetParameters                       | 200     | 200     | -       | -       | KeyId    | KeyId   | -      | -     | -       | -        | 200     | Denied     | Denied
ssm:DeleteParameter                     | 200     | None    | -       | -       | 200      | 200     | -      | -     | -       | -        | None    | Denied     | 200
ssm:DeleteParameters                    | 200     | 200     | -       | -       | 200      | 200     | -      | -     | -       | -        | 200     | Denied     | 200
ssm:GetParametersByPath                 | 200     | 200     | -       | -       | KeyId    | KeyId   | -      | -     | -       | -        | 200     | Denied     | Denied
ssm:DescribeParameters                  | 200     | -       | -       | -       | 200      | 200     | -      | -     | -       | -        | 200     | Denied     | 200
ssm:LabelParameterVersion               | 200     | None    | -       | -       | 200      | 200     | -      | -     | -       | -        | None    | Denied     | 200
secretsmanager:CreateSecret             | 200     | -       | Encrypt | Encrypt | Encrypt  | Encrypt | Format | Input | 200     | Input    | Encrypt | Denied     | Denied
secretsmanager:UpdateSecret             | 200     | Missing | Encrypt | Encrypt | Encrypt  | Encrypt | Format | Input | 200     | Input    | Missing | Denied     | Denied
secretsmanager:PutSecretValue           | 200     | Missing | -       | -       | Encrypt  | Encrypt | Format | Input | 200     | Input    | Missing | Denied     | Denied
secretsmanager:GetSecretValue           | 200     | Missing | -       | -       | Decrypt  | Decrypt | -      | -     | -       | -        | Missing | Denied     | Denied
secretsmanager:DescribeSecret           | 200     | Missing | -       | -       | 200      | 200     | -      | -     | -       | -        | Missing | Denied     | 200
secretsmanager:ListSecrets              | 200     | -       | -       | -       | 200      | 200     | -      | -     | -       | -        | 200     | Denied     | 200
secretsmanager:ListSecretVersionIds     | 200     | Missing | -       | -       | 200      | 200     | -      | -     | -       | -        | Missing | Denied     | 200
secretsmanager:RestoreSecret            | 200     | Missing | -       | -       | 200      | 200     | -      | -     | -       | -        | Missing | Denied     | 200
secretsmanager:UpdateSecretVersionStage | 200     | Missing | -       | -       | 200      | 200     | -      | -     | -       | -        | Missing | Denied     | 200
secretsmanager:DeleteSecret             | 200     | Missing | -       | -       | 200      | 200     | -      | -     | -       | -        | Missing | Denied     | 200
`

const TYPES: Record<string, string> = {
  Denied: 'AccessDeniedException',
  None: 'ParameterNotFound',
  Missing: 'ResourceNotFoundException',
  KeyId: 'InvalidKeyId',
  Encrypt: 'EncryptionFailure',
  Decrypt: 'DecryptionFailure',
  Input: 'ValidationException',
  Format: 'SerializationException',
}

let kms: LocalKms
let powerless: Credentials
let unnamed: Credentials
let keyPolicy: object
beforeAll(async () => {
  kms = await startLocalKms()
  powerless = kms.createUser({ name: 'powerless' }).credentials
  const statement = { Effect: 'Allow', Action: '*', Resource: '*' }
  const policies = [{ Version: '2012-10-17', Statement: [statement] }]
  unnamed = kms.credentialsOf(kms.createRole({ name: 'unnamed', policies }).arn)
  const own = { ...statement, Action: 'kms:*', Principal: { AWS: kms.admin.arn } }
  keyPolicy = { Version: '2012-10-17', Statement: [own] }
})
afterAll(() => kms.close())

interface World {
  KeyId: string
  /** The name of a parameter and of a secret, both encrypted under the key. */
  name: string
  /** The parameter's path. */
  path: string
  /** The version of the secret. It also has the staging label BLUE. */
  version: string
}

async function makeWorld(): Promise<World> {
  const { keyId: KeyId } = await kms.createKey({ policy: keyPolicy })
  const [folder, version] = [randomUUID(), randomUUID()]
  const [path, name] = [`/${folder}`, `/${folder}/name`]
  const parameter = { Name: name, Value: 'value', Type: 'SecureString', KeyId }
  await succeed(kms, 'ssm:PutParameter', parameter)
  await succeed(kms, 'secretsmanager:CreateSecret', {
    Name: name,
    KmsKeyId: KeyId,
    SecretString: 'value',
    ClientRequestToken: version,
  })
  return { KeyId, name, path, version }
}

interface Row {
  input: (world: World) => Record<string, unknown>
  /** The members that the cases change, and the maximum length of the value. */
  name?: string
  key?: string
  value?: string
  longest?: number
}

const SECRET_VALUE = { value: 'SecretString', longest: 65_536 }
const bySecret = (more: (world: World) => object = () => ({})): Row => ({
  input: (world) => ({ SecretId: world.name, ...more(world) }),
  name: 'SecretId',
})

const ROWS: Record<string, Row> = {
  'ssm:PutParameter': {
    input: ({ KeyId }) => ({ Name: randomUUID(), Value: 'v', Type: 'SecureString', KeyId }),
    key: 'KeyId',
    value: 'Value',
    longest: 4096,
  },
  'ssm:GetParameter': { input: ({ name }) => ({ Name: name, WithDecryption: true }), name: 'Name' },
  'ssm:GetParameters': {
    input: ({ name }) => ({ Names: [name], WithDecryption: true }),
    name: 'Names',
  },
  'ssm:DeleteParameter': { input: ({ name }) => ({ Name: name }), name: 'Name' },
  'ssm:DeleteParameters': { input: ({ name }) => ({ Names: [name] }), name: 'Names' },
  'ssm:GetParametersByPath': {
    input: ({ path }) => ({ Path: path, WithDecryption: true }),
    name: 'Path',
  },
  'ssm:DescribeParameters': { input: () => ({}) },
  'ssm:LabelParameterVersion': {
    input: ({ name }) => ({ Name: name, Labels: ['live'] }),
    name: 'Name',
  },
  'secretsmanager:CreateSecret': {
    input: ({ KeyId }) => ({
      Name: randomUUID(),
      KmsKeyId: KeyId,
      SecretString: 'v',
      ClientRequestToken: randomUUID(),
    }),
    key: 'KmsKeyId',
    ...SECRET_VALUE,
  },
  'secretsmanager:UpdateSecret': {
    ...bySecret(() => ({ SecretString: 'v', ClientRequestToken: randomUUID() })),
    key: 'KmsKeyId',
    ...SECRET_VALUE,
  },
  'secretsmanager:ListSecrets': { input: () => ({}) },
  'secretsmanager:ListSecretVersionIds': bySecret(),
  'secretsmanager:RestoreSecret': bySecret(),
  'secretsmanager:PutSecretValue': {
    ...bySecret(() => ({ SecretString: 'v', ClientRequestToken: randomUUID() })),
    ...SECRET_VALUE,
  },
  'secretsmanager:GetSecretValue': bySecret(),
  'secretsmanager:DescribeSecret': bySecret(),
  'secretsmanager:UpdateSecretVersionStage': bySecret(({ version }) => ({
    VersionStage: 'BLUE',
    MoveToVersionId: version,
  })),
  'secretsmanager:DeleteSecret': bySecret(),
}

/** Sets up a case, and returns its request. */
async function arrange(column: string, row: Row, { KeyId, ...world }: World) {
  const input = row.input({ KeyId, ...world })
  const options: Parameters<typeof call>[3] = {}
  const long = (more: number): string => 'x'.repeat((row.longest ?? 0) + more)
  if (column === 'unknown') input[row.name ?? ''] = row.name === 'Names' ? ['nowhere'] : '/nowhere'
  if (column === 'key') input[row.key ?? ''] = randomUUID()
  if (column === 'alias') input[row.key ?? ''] = 'alias/nowhere'
  if (column === 'disabled') await succeed(kms, 'DisableKey', { KeyId })
  if (column === 'pending') await succeed(kms, 'ScheduleKeyDeletion', { KeyId })
  if (column === 'base64') input['SecretBinary'] = 'not/base64!'
  if (column === '0') input[row.value ?? ''] = ''
  if (column === 'longest') input[row.value ?? ''] = long(0)
  if (column === 'too long') input[row.value ?? ''] = long(1)
  if (column === 'region') options.region = 'ap-southeast-2'
  if (column === 'permission') options.credentials = powerless
  if (column === 'key policy') options.credentials = unnamed
  return { input, options }
}

const { operations, cells } = readTable(TABLE)

describe('the documented answer of the stores in every case', () => {
  it.each(cells)(
    'answers $operation with $answer in the case: $column',
    async ({ operation, column, answer }) => {
      const { input, options } = await arrange(column, ROWS[operation]!, await makeWorld())
      const { status, type } = await call(kms, operation, input, options)
      expect([status, type]).toEqual(answer === '200' ? [200, undefined] : [400, TYPES[answer]])
    },
  )

  it('has a row in the table for every operation that they serve', () => {
    const served = (['ssm', 'secretsmanager'] as const).flatMap((service) =>
      Object.keys(OPERATIONS[service]).map((name) => `${service}:${name}`),
    )
    expect(operations.toSorted()).toEqual(served.toSorted())
  })
})
