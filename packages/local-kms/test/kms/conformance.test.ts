import { randomBytes, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startLocalKms, type Credentials, type LocalKms, type User } from '../../src/index.js'
import { base64, call, succeed } from '../call.js'
import { readTable } from '../table.js'
import { makeWorld, ROWS, type Row, type World } from './requests.js'

/**
 * The answer of each operation in each case: 200, or the `__type` of an HTTP 400, from KMS's API
 * reference and its table "Key states of AWS KMS keys". `-` means that the case does not apply.
 *
 * context: not that of the encryption. key: not that of the encryption, or a key whose type the
 * operation does not support (RSA, symmetric, single-Region). unknown, alias: a missing key or alias.
 * base64, 0, 4096, 4097: the blob of the request. region: a key id or ciphertext of another region.
 * permission: a user without any policy. key policy: a role whose IAM policy allows everything, and a
 * key policy that does not allow it.
 */
const TABLE = `
operation                           | success | context | key         | disabled | pending | unknown | alias | base64 | 0     | 4096   | 4097   | region | permission | key policy
CreateKey                           | 200     | -       | -           | -        | -       | -       | -     | -      | -     | -      | -      | -      | Denied     | -
DescribeKey                         | 200     | -       | -           | 200      | 200     | None    | None  | -      | -     | -      | -      | None   | Denied     | Denied
ListKeys                            | 200     | -       | -           | -        | -       | -       | -     | -      | -     | -      | -      | -      | Denied     | -
CreateAlias                         | 200     | -       | -           | 200      | State   | None    | None  | -      | -     | -      | -      | None   | Denied     | Denied
UpdateAlias                         | 200     | -       | Input       | 200      | State   | None    | None  | -      | -     | -      | -      | None   | Denied     | Denied
DeleteAlias                         | 200     | -       | -           | 200      | 200     | -       | None  | -      | -     | -      | -      | None   | Denied     | Denied
ListAliases                         | 200     | -       | -           | 200      | 200     | None    | None  | -      | -     | -      | -      | None   | Denied     | 200
Encrypt                             | 200     | -       | Usage       | Disabled | State   | None    | None  | Format | Input | 200    | Input  | None   | Denied     | Denied
Decrypt                             | 200     | Cipher  | Key         | Disabled | State   | None    | None  | Format | Input | Cipher | Cipher | Denied | Denied     | Denied
ReEncrypt                           | 200     | Cipher  | Key         | Disabled | State   | None    | None  | Format | Input | Cipher | Cipher | Denied | Denied     | Denied
ReEncrypt to                        | 200     | -       | Usage       | Disabled | State   | None    | None  | -      | -     | -      | -      | None   | Denied     | Denied
GenerateDataKey                     | 200     | -       | Usage       | Disabled | State   | None    | None  | -      | -     | -      | -      | None   | Denied     | Denied
GenerateDataKeyWithoutPlaintext     | 200     | -       | Usage       | Disabled | State   | None    | None  | -      | -     | -      | -      | None   | Denied     | Denied
GenerateDataKeyPair                 | 200     | -       | Usage       | Disabled | State   | None    | None  | -      | -     | -      | -      | None   | Denied     | Denied
GenerateDataKeyPairWithoutPlaintext | 200     | -       | Usage       | Disabled | State   | None    | None  | -      | -     | -      | -      | None   | Denied     | Denied
GenerateRandom                      | 200     | -       | -           | -        | -       | -       | -     | -      | -     | -      | -      | -      | Denied     | -
GetPublicKey                        | 200     | -       | Unsupported | Disabled | State   | None    | None  | -      | -     | -      | -      | None   | Denied     | Denied
UpdateKeyDescription                | 200     | -       | -           | 200      | State   | None    | None  | -      | -     | -      | -      | None   | Denied     | Denied
TagResource                         | 200     | -       | -           | 200      | State   | None    | None  | -      | -     | -      | -      | None   | Denied     | Denied
UntagResource                       | 200     | -       | -           | 200      | State   | None    | None  | -      | -     | -      | -      | None   | Denied     | Denied
ListResourceTags                    | 200     | -       | -           | 200      | 200     | None    | None  | -      | -     | -      | -      | None   | Denied     | Denied
EnableKey                           | 200     | -       | -           | 200      | State   | None    | None  | -      | -     | -      | -      | None   | Denied     | Denied
DisableKey                          | 200     | -       | -           | 200      | State   | None    | None  | -      | -     | -      | -      | None   | Denied     | Denied
ScheduleKeyDeletion                 | 200     | -       | -           | 200      | State   | None    | None  | -      | -     | -      | -      | None   | Denied     | Denied
CancelKeyDeletion                   | State   | -       | -           | State    | 200     | None    | None  | -      | -     | -      | -      | None   | Denied     | Denied
GetKeyPolicy                        | 200     | -       | -           | 200      | 200     | None    | None  | -      | -     | -      | -      | None   | Denied     | Denied
PutKeyPolicy                        | 200     | -       | -           | 200      | 200     | None    | None  | -      | -     | -      | -      | None   | Denied     | Denied
CreateGrant                         | 200     | -       | Input       | Disabled | State   | None    | None  | -      | -     | -      | -      | None   | Denied     | Denied
RetireGrant                         | 200     | -       | -           | 200      | 200     | None    | None  | -      | -     | -      | -      | None   | Denied     | Denied
RevokeGrant                         | 200     | -       | -           | 200      | 200     | None    | None  | -      | -     | -      | -      | None   | Denied     | Denied
ListGrants                          | 200     | -       | -           | 200      | 200     | None    | None  | -      | -     | -      | -      | None   | Denied     | Denied
EnableKeyRotation                   | 200     | -       | Unsupported | Disabled | State   | None    | None  | -      | -     | -      | -      | None   | Denied     | Denied
DisableKeyRotation                  | 200     | -       | Unsupported | Disabled | State   | None    | None  | -      | -     | -      | -      | None   | Denied     | Denied
GetKeyRotationStatus                | 200     | -       | Unsupported | 200      | 200     | None    | None  | -      | -     | -      | -      | None   | Denied     | Denied
RotateKeyOnDemand                   | 200     | -       | Unsupported | Disabled | State   | None    | None  | -      | -     | -      | -      | None   | Denied     | Denied
ReplicateKey                        | 200     | -       | Unsupported | Disabled | State   | None    | None  | -      | -     | -      | -      | None   | Denied     | Denied
`

const TYPES: Record<string, string> = {
  Denied: 'AccessDeniedException',
  None: 'NotFoundException',
  Disabled: 'DisabledException',
  State: 'KMSInvalidStateException',
  Cipher: 'InvalidCiphertextException',
  Key: 'IncorrectKeyException',
  Input: 'ValidationException',
  Format: 'SerializationException',
  Usage: 'InvalidKeyUsageException',
  Unsupported: 'UnsupportedOperationException',
}

let kms: LocalKms
let powerless: User
let unnamed: Credentials
let asymmetric: string

const ANYTHING = { Effect: 'Allow', Action: '*', Resource: '*' }

beforeAll(async () => {
  kms = await startLocalKms()
  powerless = kms.createUser({ name: 'powerless' })
  const policies = [{ Version: '2012-10-17', Statement: [ANYTHING] }]
  unnamed = kms.credentialsOf(kms.createRole({ name: 'unnamed', policies }).arn)
  asymmetric = (await kms.createKey({ spec: 'RSA_2048' })).keyId
})
afterAll(() => kms.close())

/** Returns a key policy that allows the administrator only. */
const adminOnly = () => ({
  Version: '2012-10-17',
  Statement: [
    { Effect: 'Allow', Principal: { AWS: kms.admin.arn }, Action: 'kms:*', Resource: '*' },
  ],
})

/** Returns a key of a type that the operation does not support. */
function wrongKey(row: Row, world: World): string {
  if (row.context !== undefined || row.spec !== undefined) return world.otherKeyId
  return row.multiRegion === true ? world.otherKeyId : asymmetric
}

/** Sets up a case, and returns its request. */
async function arrange(column: string, row: Row, world: World) {
  const input = row.input(world)
  const options: Parameters<typeof call>[3] = {}
  const KeyId = world.keyId
  if (column === 'disabled') await succeed(kms, 'DisableKey', { KeyId })
  if (column === 'pending') await succeed(kms, 'ScheduleKeyDeletion', { KeyId })
  if (column === 'context') input[row.context as string] = { app: 'other' }
  if (column === 'key') input[row.key as string] = wrongKey(row, world)
  if (column === 'unknown') input[row.key as string] = randomUUID()
  if (column === 'alias') input[row.alias ?? row.key ?? ''] = 'alias/nowhere'
  if (column === 'base64') input[row.blob as string] = 'not/base64!'
  if (/^\d+$/.test(column)) input[row.blob as string] = base64(randomBytes(Number(column)))
  const region = 'ap-southeast-2'
  if (column === 'region' && row.operation === undefined) options.region = region
  else if (column === 'region') input[row.key as string] = (await kms.createKey({ region })).arn
  if (column === 'permission') options.credentials = powerless.credentials
  if (column === 'key policy') options.credentials = unnamed
  return { input, options }
}

const { operations, cells } = readTable(TABLE)

describe('the documented answer of every operation in every case', () => {
  it.each(cells)(
    'answers $operation with $answer in the case: $column',
    async ({ operation, column, answer }) => {
      const row = ROWS[operation] as Row
      const world = await makeWorld(kms, row, column === 'key policy' ? adminOnly() : undefined)
      const { input, options } = await arrange(column, row, world)
      const { status, type } = await call(kms, row.operation ?? operation, input, options)
      const expected = answer === '200' ? [200, undefined] : [400, TYPES[answer]]
      expect([status, type]).toEqual(expected)
    },
  )

  it('has a row in the table for every operation that is served', async () => {
    const { kmsOperations } = await import('../../src/kms/operations.js')
    const served = new Set(Object.keys(kmsOperations))
    expect(new Set(Object.entries(ROWS).map(([name, row]) => row.operation ?? name))).toEqual(
      served,
    )
    expect(new Set(operations)).toEqual(new Set(Object.keys(ROWS)))
  })
})
