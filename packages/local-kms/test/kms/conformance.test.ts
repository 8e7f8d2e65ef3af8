import { randomBytes, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startLocalKms, type LocalKms, type User } from '../../src/index.js'
import { base64, call, succeed } from '../call.js'

/**
 * What each operation answers in each case: 200, or the `__type` of an HTTP 400, as KMS's API
 * reference and its table "Key states of AWS KMS keys" have it. `-` where the case does not arise.
 *
 * unknown key, unknown alias: in the member that names the key (the alias, of the operations that
 * have one). base64, 0, 4096, 4097: in the blob that the operation takes. region: a key id, or a
 * ciphertext, of another region. permission: a user without any policy.
 */
const TABLE = `
operation                           | success | context | key | disabled | pending | unknown | alias | base64 | 0   | 4096 | 4097 | region | permission
CreateKey                           | 200     | -       | -   | -        | -       | -       | -     | -      | -   | -    | -    | -      | Denied
DescribeKey                         | 200     | -       | -   | 200      | 200     | None    | None  | -      | -   | -    | -    | None   | Denied
ListKeys                            | 200     | -       | -   | -        | -       | -       | -     | -      | -   | -    | -    | -      | Denied
CreateAlias                         | 200     | -       | -   | 200      | State   | None    | None  | -      | -   | -    | -    | None   | Denied
UpdateAlias                         | 200     | -       | -   | 200      | State   | None    | None  | -      | -   | -    | -    | None   | Denied
DeleteAlias                         | 200     | -       | -   | 200      | 200     | -       | None  | -      | -   | -    | -    | None   | Denied
ListAliases                         | 200     | -       | -   | 200      | 200     | None    | None  | -      | -   | -    | -    | None   | Denied
Encrypt                             | 200     | -       | -   | Disabled | State   | None    | None  | Format | Input | 200 | Input | None   | Denied
Decrypt                             | 200     | Cipher  | Key | Disabled | State   | None    | None  | Format | Input | Cipher | Cipher | Denied | Denied
ReEncrypt                           | 200     | Cipher  | Key | Disabled | State   | None    | None  | Format | Input | Cipher | Cipher | Denied | Denied
GenerateDataKey                     | 200     | -       | -   | Disabled | State   | None    | None  | -      | -   | -    | -    | None   | Denied
GenerateDataKeyWithoutPlaintext     | 200     | -       | -   | Disabled | State   | None    | None  | -      | -   | -    | -    | None   | Denied
GenerateDataKeyPair                 | 200     | -       | -   | Disabled | State   | None    | None  | -      | -   | -    | -    | None   | Denied
GenerateDataKeyPairWithoutPlaintext | 200     | -       | -   | Disabled | State   | None    | None  | -      | -   | -    | -    | None   | Denied
GenerateRandom                      | 200     | -       | -   | -        | -       | -       | -     | -      | -   | -    | -    | -      | Denied
GetPublicKey                        | 200     | -       | -   | Disabled | State   | None    | None  | -      | -   | -    | -    | None   | Denied
EnableKey                           | 200     | -       | -   | 200      | State   | None    | None  | -      | -   | -    | -    | None   | Denied
DisableKey                          | 200     | -       | -   | 200      | State   | None    | None  | -      | -   | -    | -    | None   | Denied
ScheduleKeyDeletion                 | 200     | -       | -   | 200      | State   | None    | None  | -      | -   | -    | -    | None   | Denied
CancelKeyDeletion                   | State   | -       | -   | State    | 200     | None    | None  | -      | -   | -    | -    | None   | Denied
GetKeyPolicy                        | 200     | -       | -   | 200      | 200     | None    | None  | -      | -   | -    | -    | None   | Denied
PutKeyPolicy                        | 200     | -       | -   | 200      | 200     | None    | None  | -      | -   | -    | -    | None   | Denied
ListGrants                          | 200     | -       | -   | 200      | 200     | None    | None  | -      | -   | -    | -    | None   | Denied
EnableKeyRotation                   | 200     | -       | -   | Disabled | State   | None    | None  | -      | -   | -    | -    | None   | Denied
DisableKeyRotation                  | 200     | -       | -   | Disabled | State   | None    | None  | -      | -   | -    | -    | None   | Denied
GetKeyRotationStatus                | 200     | -       | -   | 200      | 200     | None    | None  | -      | -   | -    | -    | None   | Denied
RotateKeyOnDemand                   | 200     | -       | -   | Disabled | State   | None    | None  | -      | -   | -    | -    | None   | Denied
ReplicateKey                        | 200     | -       | -   | Disabled | State   | None    | None  | -      | -   | -    | -    | None   | Denied
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
}

const CONTEXT = { app: 'orders' }

let kms: LocalKms
let nobody: User
let defaultPolicy: string

beforeAll(async () => {
  kms = await startLocalKms()
  nobody = kms.createUser({ name: 'nobody' })
  const { keyId } = await kms.createKey()
  defaultPolicy = (await succeed(kms, 'GetKeyPolicy', { KeyId: keyId }))['Policy'] as string
})
afterAll(() => kms.close())

interface World {
  keyId: string
  otherKeyId: string
  alias: string
  ciphertext: string
}

/** Each operation's request, and the members that the cases change. */
interface Row {
  input: (world: World) => Record<string, unknown>
  key?: string
  alias?: string
  context?: string
  blob?: string
  spec?: string
  multiRegion?: boolean
}

const byKey = (more: object = {}): Row => ({
  input: ({ keyId }) => ({ KeyId: keyId, ...more }),
  key: 'KeyId',
})

const ROWS: Record<string, Row> = {
  CreateKey: { input: () => ({ Description: 'x' }) },
  DescribeKey: byKey(),
  ListKeys: { input: () => ({}) },
  CreateAlias: {
    input: ({ keyId }) => ({ AliasName: `alias/${randomUUID()}`, TargetKeyId: keyId }),
    key: 'TargetKeyId',
  },
  UpdateAlias: {
    input: ({ keyId, alias }) => ({ AliasName: alias, TargetKeyId: keyId }),
    key: 'TargetKeyId',
    alias: 'AliasName',
  },
  DeleteAlias: { input: ({ alias }) => ({ AliasName: alias }), alias: 'AliasName' },
  ListAliases: byKey(),
  Encrypt: { ...byKey({ Plaintext: base64('x') }), blob: 'Plaintext' },
  Decrypt: {
    input: ({ ciphertext }) => ({ CiphertextBlob: ciphertext, EncryptionContext: CONTEXT }),
    key: 'KeyId',
    context: 'EncryptionContext',
    blob: 'CiphertextBlob',
  },
  ReEncrypt: {
    input: ({ ciphertext, otherKeyId }) => ({
      CiphertextBlob: ciphertext,
      SourceEncryptionContext: CONTEXT,
      DestinationKeyId: otherKeyId,
    }),
    key: 'SourceKeyId',
    context: 'SourceEncryptionContext',
    blob: 'CiphertextBlob',
  },
  GenerateDataKey: byKey({ KeySpec: 'AES_256' }),
  GenerateDataKeyWithoutPlaintext: byKey({ NumberOfBytes: 64 }),
  GenerateDataKeyPair: byKey({ KeyPairSpec: 'ECC_NIST_P256' }),
  GenerateDataKeyPairWithoutPlaintext: byKey({ KeyPairSpec: 'ECC_NIST_P256' }),
  GenerateRandom: { input: () => ({ NumberOfBytes: 32 }) },
  GetPublicKey: { ...byKey(), spec: 'RSA_2048' },
  EnableKey: byKey(),
  DisableKey: byKey(),
  ScheduleKeyDeletion: byKey({ PendingWindowInDays: 7 }),
  CancelKeyDeletion: byKey(),
  GetKeyPolicy: byKey(),
  PutKeyPolicy: {
    input: ({ keyId }) => ({ KeyId: keyId, PolicyName: 'default', Policy: defaultPolicy }),
    key: 'KeyId',
  },
  ListGrants: byKey(),
  EnableKeyRotation: byKey(),
  DisableKeyRotation: byKey(),
  GetKeyRotationStatus: byKey(),
  RotateKeyOnDemand: byKey(),
  ReplicateKey: { ...byKey({ ReplicaRegion: 'eu-central-1' }), multiRegion: true },
}

async function makeWorld({ spec, multiRegion }: Row): Promise<World> {
  const alias = `alias/${randomUUID()}`
  const options = { ...(spec && { spec }), ...(multiRegion && { multiRegion }) }
  const { keyId } = await kms.createKey({ alias, ...options })
  const { keyId: otherKeyId } = await kms.createKey()
  const request = { KeyId: keyId, Plaintext: base64('secret'), EncryptionContext: CONTEXT }
  const encrypted = spec === undefined ? await succeed(kms, 'Encrypt', request) : undefined
  return { keyId, otherKeyId, alias, ciphertext: encrypted?.['CiphertextBlob'] ?? '' }
}

/** Brings about a case, and gives the request that meets it. */
async function arrange(column: string, row: Row, world: World) {
  const input = row.input(world)
  const options: Parameters<typeof call>[3] = {}
  const KeyId = world.keyId
  if (column === 'disabled') await succeed(kms, 'DisableKey', { KeyId })
  if (column === 'pending') await succeed(kms, 'ScheduleKeyDeletion', { KeyId })
  if (column === 'context') input[row.context as string] = { app: 'other' }
  if (column === 'key') input[row.key as string] = world.otherKeyId
  if (column === 'unknown') input[row.key as string] = randomUUID()
  if (column === 'alias') input[row.alias ?? row.key ?? ''] = 'alias/nowhere'
  if (column === 'base64') input[row.blob as string] = 'not/base64!'
  if (/^\d+$/.test(column)) input[row.blob as string] = base64(randomBytes(Number(column)))
  if (column === 'region') options.region = 'ap-southeast-2'
  if (column === 'permission') options.credentials = nobody.credentials
  return { input, options }
}

const [header = [], ...rows] = TABLE.trim()
  .split('\n')
  .map((line) => line.split('|').map((cell) => cell.trim()))
const columns = header.slice(1)
const cells = rows.flatMap(([operation = '', ...answers]) =>
  columns.flatMap((column, i) =>
    answers[i] === '-' ? [] : [{ operation, column, answer: answers[i] as string }],
  ),
)

describe('every operation answers each case as KMS documents it', () => {
  test.each(cells)('$operation, $column: $answer', async ({ operation, column, answer }) => {
    const row = ROWS[operation] as Row
    const { input, options } = await arrange(column, row, await makeWorld(row))
    const { status, type } = await call(kms, operation, input, options)
    const expected = answer === '200' ? [200, undefined] : [400, TYPES[answer]]
    expect([status, type]).toEqual(expected)
  })

  test('the table has a row for every operation that is served', async () => {
    const { kmsOperations } = await import('../../src/kms/operations.js')
    const served = new Set(Object.keys(kmsOperations))
    expect(new Set(Object.keys(ROWS))).toEqual(served)
    expect(new Set(rows.map(([operation]) => operation))).toEqual(served)
  })
})
