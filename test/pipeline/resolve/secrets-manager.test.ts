import { PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import {
  opened,
  optionsFor,
  refused,
  startAccount,
  userWith,
  VALUE,
  type Account,
} from './sources.js'

let account: Account
beforeAll(async () => {
  account = await startAccount()
  const fields = {
    user: 'the-database-user',
    password: VALUE,
    port: 5432,
    empty: '',
    nothing: null,
    tls: { ca: 'certificate-of-tls' },
  }
  await account.createSecret({ Name: 'prod/db', SecretString: JSON.stringify(fields) })
  await account.createSecret({ Name: 'text', SecretString: VALUE })
  await account.createSecret({
    Name: 'binary',
    SecretBinary: Buffer.from([0, 255, 128, 1, 2, 3, 4, 5, 6]),
  })
})
afterEach(() => account.kms.faults.clear())
afterAll(() => account.close())

describe('secret.secretsManager', () => {
  it('seals a complete secret, keys of its JSON, and bytes, with one fetch per secret', async () => {
    const code = `export const text = secret.secretsManager('text'), password = secret.secretsManager('prod/db', 'password'),
      port = secret.secretsManager('prod/db', 'port'), tls = secret.secretsManager('prod/db', 'tls', { as: 'json' }),
      all = secret.secretsManager('prod/db', { as: 'json' }), binary = secret.secretsManager('binary', { as: 'bytes' })`
    const { values, atBuild, atRun, text } = await opened(account, code, account.options)
    expect(values).toMatchObject({
      text: VALUE,
      password: VALUE,
      port: '5432',
      tls: { ca: 'certificate-of-tls' },
      all: { user: 'the-database-user', port: 5432 },
      binary: { bytes: Buffer.from([0, 255, 128, 1, 2, 3, 4, 5, 6]).toString('base64') },
    })
    expect(text).not.toContain(VALUE)
    expect(atBuild.filter((call) => call === 'secretsmanager:GetSecretValue')).toHaveLength(3)
    expect(atRun).toEqual(['kms:Decrypt'])
  })

  it('reads the version of a staging label', async () => {
    const client = new SecretsManagerClient({
      endpoint: account.kms.url,
      region: 'us-east-1',
      credentials: account.kms.admin.credentials,
    })
    await account.createSecret({ Name: 'rotated', SecretString: 'the-previous-value' })
    await client.send(
      new PutSecretValueCommand({ SecretId: 'rotated', SecretString: 'the-current-value' }),
    )
    const code = `export const now = secret.secretsManager('rotated'), before = secret.secretsManager('rotated', { stage: 'AWSPREVIOUS' })`
    expect((await opened(account, code, account.options)).values).toEqual({
      now: 'the-current-value',
      before: 'the-previous-value',
    })
  })
})

it('secret.secretsManager retries after throttling and closed connections', async () => {
  account.kms.faults.add({ kind: 'throttle', operation: 'secretsmanager:GetSecretValue', times: 1 })
  account.kms.faults.add({
    kind: 'reset',
    when: 'before',
    operation: 'secretsmanager:GetSecretValue',
    times: 1,
  })
  expect(
    (await opened(account, `export const a = secret.secretsManager('text')`, account.options))
      .values,
  ).toEqual({ a: VALUE })
})

describe('secret.secretsManager', () => {
  it.each([
    [
      'a secret that does not exist',
      `secret.secretsManager('nowhere')`,
      'SOURCE_NOT_FOUND',
      /GetSecretValue|find the specified secret/,
    ],
    [
      'a stage that does not exist',
      `secret.secretsManager('text', { stage: 'NOWHERE' })`,
      'SOURCE_NOT_FOUND',
      /NOWHERE/,
    ],
    [
      'a key that the JSON lacks',
      `secret.secretsManager('prod/db', 'pasword')`,
      'SOURCE_NOT_FOUND',
      /no key pasword/,
    ],
    [
      'a key that only objects’ prototype has',
      `secret.secretsManager('prod/db', 'constructor')`,
      'SOURCE_NOT_FOUND',
      /no key/,
    ],
    [
      'a key of a value that is not JSON',
      `secret.secretsManager('text', 'password')`,
      'SOURCE_UNSUITABLE',
      /not a JSON object/,
    ],
    [
      'a key that is not a string',
      `secret.secretsManager('prod/db', 'tls')`,
      'SOURCE_UNSUITABLE',
      /as: 'json'/,
    ],
    [
      'a key that is null',
      `secret.secretsManager('prod/db', 'nothing')`,
      'SOURCE_UNSUITABLE',
      /null/,
    ],
    [
      'a key that is empty',
      `secret.secretsManager('prod/db', 'empty')`,
      'PLAINTEXT_EMPTY',
      /empty/,
    ],
    ['binary as text', `secret.secretsManager('binary')`, 'SOURCE_UNSUITABLE', /as: 'bytes'/],
    ['a key of binary', `secret.secretsManager('binary', 'key')`, 'SOURCE_UNSUITABLE', /binary/],
    [
      'a string that is not JSON as JSON',
      `secret.secretsManager('text', { as: 'json' })`,
      'JSON_INVALID',
      /not valid JSON/,
    ],
  ])('rejects %s', async (_, mark, code, reason) => {
    expect(await refused(mark, account.options, code)).toMatch(reason)
  })

  it('rejects a secret that the identity may not read, and names the identity', async () => {
    const { credentials } = userWith(account.kms, 'stranger')
    const text = await refused(
      `secret.secretsManager('text')`,
      optionsFor(account.kms, account.keyId, credentials),
      'SOURCE_DENIED',
    )
    expect(text).toContain(
      'secretsmanager:GetSecretValue to arn:aws:iam::111122223333:user/stranger',
    )
  })

  it('rejects a truncated response, without showing the value', async () => {
    account.kms.faults.add({
      kind: 'body',
      body: 'truncated',
      operation: 'secretsmanager:GetSecretValue',
    })
    await refused(`secret.secretsManager('text')`, account.options, 'SOURCE_FAILED')
  })

  it('reports an error that retries do not fix', async () => {
    account.kms.faults.add({
      kind: 'error',
      type: 'InternalServiceError',
      status: 500,
      operation: 'secretsmanager:GetSecretValue',
    })
    expect(
      await refused(`secret.secretsManager('text')`, account.options, 'SOURCE_FAILED'),
    ).toMatch(/asked \d times: InternalServiceError/)
  })

  it('reports credentials that AWS does not accept', async () => {
    const credentials = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'example' }
    expect(
      await refused(
        `secret.secretsManager('text')`,
        optionsFor(account.kms, account.keyId, credentials),
        'SOURCE_DENIED',
      ),
    ).toContain('does not accept the credentials')
  })
})
