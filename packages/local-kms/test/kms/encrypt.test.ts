import { isDeepStrictEqual } from 'node:util'
import { constants, createPublicKey, publicEncrypt } from 'node:crypto'
import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startLocalKms, type LocalKms } from '../../src/index.js'
import { base64, call, succeed } from '../call.js'

let kms: LocalKms
let KeyId: string
beforeAll(async () => {
  kms = await startLocalKms()
  KeyId = (await kms.createKey({ alias: 'alias/app' })).arn
})
afterAll(() => kms.close())

const encrypt = async (input: object = {}): Promise<string> =>
  (await succeed(kms, 'Encrypt', { KeyId, Plaintext: base64('secret'), ...input }))[
    'CiphertextBlob'
  ] as string

const decrypt = (input: object) => call(kms, 'Decrypt', input)

describe('a ciphertext', () => {
  it("starts like KMS's own, and contains its key", async () => {
    const CiphertextBlob = await encrypt()
    expect(CiphertextBlob).toMatch(/^AQICAH/)
    const { body } = await decrypt({ CiphertextBlob })
    expect(body).toMatchObject({
      KeyId,
      Plaintext: base64('secret'),
      EncryptionAlgorithm: 'SYMMETRIC_DEFAULT',
      KeyMaterialId: expect.stringMatching(/^[0-9a-f]{64}$/),
    })
  })

  it('is different each time', async () => {
    expect(await encrypt()).not.toBe(await encrypt())
  })

  it('accepts key id, key ARN, alias name and alias ARN, and returns the key ARN', async () => {
    const id = KeyId.split('/')[1] as string
    const aliasArn = KeyId.replace(/key\/.*/, 'alias/app')
    for (const name of [id, KeyId, 'alias/app', aliasArn]) {
      const request = { KeyId: name, Plaintext: base64('x') }
      expect(await succeed(kms, 'Encrypt', request)).toMatchObject({ KeyId })
    }
  })

  it('fails if any bit is changed', async () => {
    const original = Buffer.from(await encrypt(), 'base64')
    await fc.assert(
      fc.asyncProperty(fc.nat(original.length * 8 - 1), async (bit) => {
        const altered = Buffer.from(original)
        altered[bit >> 3] = (altered[bit >> 3] as number) ^ (1 << (bit & 7))
        const { type } = await decrypt({ CiphertextBlob: base64(altered) })
        // A changed key id belongs to a key that does not exist.
        expect(['InvalidCiphertextException', 'AccessDeniedException']).toContain(type)
        const named = await decrypt({ CiphertextBlob: base64(altered), KeyId })
        expect(['InvalidCiphertextException', 'IncorrectKeyException']).toContain(named.type)
      }),
      { numRuns: 150 },
    )
  })

  it('fails with InvalidCiphertextException if it is truncated', async () => {
    const original = Buffer.from(await encrypt(), 'base64')
    for (const length of [1, 20, 82, original.length - 1]) {
      const CiphertextBlob = base64(original.subarray(0, length))
      expect((await decrypt({ CiphertextBlob })).type).toBe('InvalidCiphertextException')
    }
  })

  it('fails without a message, as in KMS', async () => {
    const CiphertextBlob = await encrypt({ EncryptionContext: { app: 'a' } })
    expect((await decrypt({ CiphertextBlob })).text).toBe('{"__type":"InvalidCiphertextException"}')
  })

  it('can only be decrypted in its region, except with a multi-Region key', async () => {
    const CiphertextBlob = await encrypt()
    const elsewhere = await call(kms, 'Decrypt', { CiphertextBlob }, { region: 'eu-west-1' })
    expect(elsewhere.type).toBe('AccessDeniedException')
    expect(elsewhere.body['message']).toBe(
      'The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access.',
    )
    const arn = await call(kms, 'Decrypt', { CiphertextBlob, KeyId }, { region: 'eu-west-1' })
    expect([arn.type, arn.body['message']]).toEqual(['NotFoundException', 'Invalid arn us-east-1'])
  })
})

describe('the encryption context', () => {
  const pairs = fc.dictionary(fc.string(), fc.string(), { maxKeys: 4 })

  it('can have any order, and must match exactly', async () => {
    await fc.assert(
      fc.asyncProperty(pairs, pairs, async (context, other) => {
        const CiphertextBlob = await encrypt({ EncryptionContext: context })
        const reversed = Object.fromEntries(Object.entries(context).toReversed())
        expect((await decrypt({ CiphertextBlob, EncryptionContext: reversed })).status).toBe(200)
        const same = isDeepStrictEqual({ ...context }, { ...other })
        const { status } = await decrypt({ CiphertextBlob, EncryptionContext: other })
        expect(status).toBe(same ? 200 : 400)
      }),
      { numRuns: 50 },
    )
  })

  it.each([
    [{ app: 'a' }, { appa: '' }],
    [
      { a: 'b', c: 'd' },
      { a: 'bc', d: '' },
    ],
    [{ app: 'a' }, { App: 'a' }],
    [{ app: 'a' }, { app: 'A' }],
    [{ app: 'a' }, { app: 'a', x: '' }],
    [{ app: '' }, {}],
  ])('must match: %o does not decrypt %o', async (context, other) => {
    const CiphertextBlob = await encrypt({ EncryptionContext: context })
    const { type } = await decrypt({ CiphertextBlob, EncryptionContext: other })
    expect(type).toBe('InvalidCiphertextException')
  })

  it('can be empty or missing', async () => {
    const CiphertextBlob = await encrypt({ EncryptionContext: {} })
    expect((await decrypt({ CiphertextBlob })).status).toBe(200)
  })

  it('converts numbers to strings, and rejects objects', async () => {
    const CiphertextBlob = await encrypt({ EncryptionContext: { n: 1 } })
    expect((await decrypt({ CiphertextBlob, EncryptionContext: { n: '1' } })).status).toBe(200)
    const nested = { KeyId, Plaintext: base64('x'), EncryptionContext: { a: { b: 'c' } } }
    expect((await call(kms, 'Encrypt', nested)).type).toBe('SerializationException')
  })
})

const refusal = async (operation: string, input: object): Promise<string> => {
  const { type, body } = await call(kms, operation, input)
  return `${type}: ${body['message']}`
}

const type = async (...request: [string, object]): Promise<string | undefined> =>
  (await call(kms, ...request)).type

describe('the messages of KMS for violated limits', () => {
  it('reports a plaintext of 0 and of 4097 bytes without its value', async () => {
    const rule =
      "ValidationException: 1 validation error detected: Value at 'plaintext' failed to satisfy constraint: Member must have length"
    expect(await refusal('Encrypt', { KeyId, Plaintext: '' })).toBe(
      `${rule} greater than or equal to 1`,
    )
    const Plaintext = base64('x'.repeat(4097))
    expect(await refusal('Encrypt', { KeyId, Plaintext })).toBe(
      `${rule} less than or equal to 4096`,
    )
  })

  it('reports several violations in one answer', async () => {
    expect(await refusal('Encrypt', {})).toBe(
      "ValidationException: 2 validation errors detected: Value null at 'keyId' failed to satisfy constraint: Member must not be null; Value null at 'plaintext' failed to satisfy constraint: Member must not be null",
    )
  })

  it('reports a ciphertext of more than 6144 bytes', async () => {
    const CiphertextBlob = base64('x'.repeat(6145))
    expect(await refusal('Decrypt', { CiphertextBlob })).toMatch(
      /length less than or equal to 6144$/,
    )
  })

  it('limits random bytes to 1 to 1024', async () => {
    expect(await refusal('GenerateRandom', { NumberOfBytes: 1025 })).toBe(
      "ValidationException: 1 validation error detected: Value '1025' at 'numberOfBytes' failed to satisfy constraint: Member must have value less than or equal to 1024",
    )
    expect(await refusal('GenerateRandom', {})).toBe(
      'ValidationException: NumberOfBytes is required.',
    )
    const { Plaintext } = await succeed(kms, 'GenerateRandom', { NumberOfBytes: 1024 })
    expect(Buffer.from(Plaintext as string, 'base64')).toHaveLength(1024)
  })

  it('reports an invalid key id', async () => {
    expect(await refusal('DescribeKey', { KeyId: 'fake' })).toBe(
      "NotFoundException: Invalid keyId 'fake'",
    )
    expect(await refusal('DescribeKey', { KeyId: 'arn:aws:s3:::bucket' })).toBe(
      'InvalidArnException: Invalid arn arn:aws:s3:::bucket',
    )
    const alias = 'arn:aws:kms:us-east-1:111122223333:alias/nowhere'
    expect(await refusal('DescribeKey', { KeyId: alias })).toBe(
      `NotFoundException: Alias ${alias} is not found.`,
    )
  })

  it('reports an unknown grant token', async () => {
    const request = { KeyId, Plaintext: base64('x'), GrantTokens: ['token'] }
    expect(await refusal('Encrypt', request)).toMatch(/^InvalidGrantTokenException/)
  })
})

describe('what the local KMS does not support fails', () => {
  it.each([
    ['Decrypt', { CiphertextBlob: 'AQID', Recipient: {} }],
    ['Decrypt', { DryRun: true, DryRunModifiers: ['IGNORE_CIPHERTEXT'], CiphertextBlob: 'AQID' }],
    ['GenerateDataKeyPair', { KeyId: 'x', KeyPairSpec: 'ECC_NIST_P256', Recipient: {} }],
    ['CreateKey', { CustomKeyStoreId: 'cks-1' }],
    ['CreateKey', { Origin: 'EXTERNAL' }],
    ['CreateKey', { KeySpec: 'HMAC_256', KeyUsage: 'GENERATE_VERIFY_MAC' }],
    ['ssm:PutParameter', { Name: '/x', Value: 'x', Type: 'String', AllowedPattern: '^y' }],
  ])('rejects %s with %o', async (operation, input) => {
    expect(await type(operation, input)).toBe('UnsupportedOperationException')
  })

  it('answers an operation that is not served with UnknownOperationException', async () => {
    expect(await type('Sign', { KeyId })).toBe('UnknownOperationException')
  })
})

describe('a dry run', () => {
  it('fails with DryRunOperationException if the call would succeed', async () => {
    const CiphertextBlob = await encrypt()
    const calls: [string, object][] = [
      ['Encrypt', { KeyId, Plaintext: base64('x') }],
      ['Decrypt', { CiphertextBlob }],
      ['ReEncrypt', { CiphertextBlob, DestinationKeyId: KeyId }],
      ['GenerateDataKey', { KeyId, KeySpec: 'AES_256' }],
      ['GenerateDataKeyWithoutPlaintext', { KeyId, KeySpec: 'AES_256' }],
      ['GenerateDataKeyPair', { KeyId, KeyPairSpec: 'ECC_NIST_P256' }],
      ['GenerateDataKeyPairWithoutPlaintext', { KeyId, KeyPairSpec: 'ECC_NIST_P256' }],
    ]
    for (const [operation, input] of calls) {
      const { status, type, text } = await call(kms, operation, { ...input, DryRun: true })
      expect([operation, status, type]).toEqual([operation, 400, 'DryRunOperationException'])
      expect(text).not.toContain('Plaintext"')
    }
  })

  it('fails with the error of the call', async () => {
    const CiphertextBlob = await encrypt({ EncryptionContext: { a: 'b' } })
    expect((await decrypt({ CiphertextBlob, DryRun: true })).type).toBe(
      'InvalidCiphertextException',
    )
    const { credentials } = kms.createUser({ name: 'dry' })
    const request = { KeyId, Plaintext: base64('x'), DryRun: true }
    expect((await call(kms, 'Encrypt', request, { credentials })).type).toBe(
      'AccessDeniedException',
    )
  })
})

describe('ReEncrypt', () => {
  it('changes the key and the context, and returns both keys', async () => {
    const to = await kms.createKey()
    const CiphertextBlob = await encrypt({ EncryptionContext: { a: '1' } })
    const answer = await succeed(kms, 'ReEncrypt', {
      CiphertextBlob,
      SourceEncryptionContext: { a: '1' },
      DestinationKeyId: to.keyId,
      DestinationEncryptionContext: { b: '2' },
    })
    expect(answer).toMatchObject({ SourceKeyId: KeyId, KeyId: to.arn })
    const opened = await decrypt({
      CiphertextBlob: answer['CiphertextBlob'],
      EncryptionContext: { b: '2' },
      KeyId: to.arn,
    })
    expect(opened.body['Plaintext']).toBe(base64('secret'))
  })

  it('needs kms:ReEncryptFrom and kms:ReEncryptTo', async () => {
    const to = await kms.createKey()
    const CiphertextBlob = await encrypt()
    const reEncrypt = async (...actions: [string, string][]) => {
      const name = `re-${actions.map(([action]) => action.slice(4)).join('-')}`
      const Statement = actions.map(([Action, Resource]) => ({ Effect: 'Allow', Action, Resource }))
      const policies = actions.length > 0 ? [{ Version: '2012-10-17', Statement }] : []
      const { credentials } = kms.createUser({ name, policies })
      const request = { CiphertextBlob, DestinationKeyId: to.arn }
      return (await call(kms, 'ReEncrypt', request, { credentials })).status
    }
    expect(await reEncrypt(['kms:ReEncryptFrom', KeyId])).toBe(400)
    expect(await reEncrypt(['kms:ReEncryptTo', to.arn])).toBe(400)
    expect(await reEncrypt(['kms:ReEncryptFrom', KeyId], ['kms:ReEncryptTo', to.arn])).toBe(200)
  })
})

describe('RSA keys', () => {
  let rsa: string
  beforeAll(async () => {
    rsa = (await kms.createKey({ spec: 'RSA_2048' })).arn
  })

  it('decrypt what their public key encrypted elsewhere', async () => {
    const answer = await succeed(kms, 'GetPublicKey', { KeyId: rsa })
    expect(answer).toMatchObject({ KeySpec: 'RSA_2048', KeyUsage: 'ENCRYPT_DECRYPT' })
    const key = createPublicKey({
      key: Buffer.from(answer['PublicKey'] as string, 'base64'),
      format: 'der',
      type: 'spki',
    })
    for (const [hash, name] of [
      ['sha1', 'SHA_1'],
      ['sha256', 'SHA_256'],
    ] as const) {
      const padding = constants.RSA_PKCS1_OAEP_PADDING
      const ciphertext = publicEncrypt({ key, padding, oaepHash: hash }, Buffer.from('secret'))
      const { body } = await decrypt({
        KeyId: rsa,
        CiphertextBlob: base64(ciphertext),
        EncryptionAlgorithm: `RSAES_OAEP_${name}`,
      })
      expect(body['Plaintext']).toBe(base64('secret'))
    }
  })

  it('encrypt at most 190 bytes with SHA-256 and 214 with SHA-1', async () => {
    for (const [EncryptionAlgorithm, limit] of [
      ['RSAES_OAEP_SHA_256', 190],
      ['RSAES_OAEP_SHA_1', 214],
    ] as const) {
      const request = (bytes: number) => ({
        KeyId: rsa,
        EncryptionAlgorithm,
        Plaintext: base64('x'.repeat(bytes)),
      })
      expect((await call(kms, 'Encrypt', request(limit))).status).toBe(200)
      const { type, body } = await call(kms, 'Encrypt', request(limit + 1))
      expect(`${type}: ${body['message']}`).toBe(
        `ValidationException: Algorithm ${EncryptionAlgorithm} and key spec RSA_2048 cannot encrypt data larger than ${limit} bytes.`,
      )
    }
  })

  it('reject other algorithms, a context, a missing key id, and data keys', async () => {
    const Plaintext = base64('x')
    const rsaes = { EncryptionAlgorithm: 'RSAES_OAEP_SHA_256' }
    expect(await type('Encrypt', { KeyId: rsa, Plaintext })).toBe('InvalidKeyUsageException')
    expect(await type('Encrypt', { KeyId, Plaintext, ...rsaes })).toBe('InvalidKeyUsageException')
    expect(
      await type('Encrypt', { KeyId: rsa, Plaintext, ...rsaes, EncryptionContext: { a: 'b' } }),
    ).toBe('ValidationException')
    expect(await type('Decrypt', { CiphertextBlob: Plaintext, ...rsaes })).toBe(
      'ValidationException',
    )
    expect(await type('GenerateDataKey', { KeyId: rsa, KeySpec: 'AES_256' })).toBe(
      'InvalidKeyUsageException',
    )
    expect(await type('GetPublicKey', { KeyId })).toBe('UnsupportedOperationException')
    expect(await type('EnableKeyRotation', { KeyId: rsa })).toBe('UnsupportedOperationException')
  })

  it('need a KeyUsage when they are created', async () => {
    const { type } = await call(kms, 'CreateKey', { KeySpec: 'RSA_2048' })
    expect(type).toBe('ValidationException')
  })
})
