import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startLocalKms, type Credentials, type LocalKms } from '../../src/index.js'
import { OPERATIONS } from '../../src/server/services.js'
import { call, succeed } from '../call.js'
import { readTable } from '../table.js'

/**
 * What Parameter Store and Secrets Manager answer for a value under a key of the customer's: 200, or
 * the `__type` of an HTTP 400, as their API references have it. `-` where the case does not arise.
 *
 * unknown: no such parameter or secret. key, alias: no such KMS key. longest, too long: 4096 bytes
 * in a standard parameter, 65536 in a secret, and one more. permission: a user without any policy.
 * key policy: a role that IAM lets do anything, on a key whose policy forgets it.
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
let nobody: Credentials
let forgotten: Credentials
let keyPolicy: object
beforeAll(async () => {
  kms = await startLocalKms()
  nobody = kms.createUser({ name: 'nobody' }).credentials
  const statement = { Effect: 'Allow', Action: '*', Resource: '*' }
  const policies = [{ Version: '2012-10-17', Statement: [statement] }]
  forgotten = kms.credentialsOf(kms.createRole({ name: 'forgotten', policies }).arn)
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
  /** The secret's version, whose stage is BLUE too. */
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
  /** The members that the cases change, and the greatest length of the value. */
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

/** Brings about a case, and gives the request that meets it. */
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
  if (column === 'permission') options.credentials = nobody
  if (column === 'key policy') options.credentials = forgotten
  return { input, options }
}

const { operations, cells } = readTable(TABLE)

describe('the stores answer each case as AWS documents it', () => {
  test.each(cells)('$operation, $column: $answer', async ({ operation, column, answer }) => {
    const { input, options } = await arrange(column, ROWS[operation]!, await makeWorld())
    const { status, type } = await call(kms, operation, input, options)
    expect([status, type]).toEqual(answer === '200' ? [200, undefined] : [400, TYPES[answer]])
  })

  test('the table has a row for every operation that they serve', () => {
    const served = (['ssm', 'secretsmanager'] as const).flatMap((service) =>
      Object.keys(OPERATIONS[service]).map((name) => `${service}:${name}`),
    )
    expect(operations.toSorted()).toEqual(served.toSorted())
  })
})
