import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startLocalKms, type Credentials, type LocalKms } from '../../src/index.js'
import { call, send, type CallOptions, type WireRequest } from '../call.js'

let kms: LocalKms
let temporary: Credentials
beforeAll(async () => {
  kms = await startLocalKms()
  const { arn } = kms.createRole({ name: 'app', policies: [allow('kms:ListKeys')] })
  temporary = kms.credentialsOf(arn)
})
beforeEach(() => kms.faults.clear())
afterAll(() => kms.close())

const allow = (Action: string): object => ({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action, Resource: '*' }],
})

const MINUTE = 60_000

async function listKeys(options: CallOptions = {}): Promise<[number, string | undefined]> {
  const { status, type } = await call(kms, 'ListKeys', {}, options)
  return [status, type]
}

const authorization =
  (change: (header: string) => string) =>
  ({ headers }: WireRequest): void => {
    headers['authorization'] = change(headers['authorization'] as string)
  }

describe('a valid Signature Version 4', () => {
  it('is accepted with a long-term access key', async () => {
    expect(await listKeys()).toEqual([200, undefined])
  })

  it('is accepted with temporary credentials and their session token', async () => {
    expect(await listKeys({ credentials: temporary })).toEqual([200, undefined])
  })

  it('is accepted with a date less than 15 minutes off', async () => {
    expect(await listKeys({ signedAt: Date.now() - 14 * MINUTE })).toEqual([200, undefined])
    expect(await listKeys({ signedAt: Date.now() + 14 * MINUTE })).toEqual([200, undefined])
  })
})

const admin = (): Credentials => kms.admin.credentials

describe('an invalid request fails with the error of KMS', () => {
  const cases: [string, () => CallOptions, string][] = [
    [
      'no signature',
      () => ({ tamper: ({ headers }) => delete headers['authorization'] }),
      'MissingAuthenticationTokenException',
    ],
    [
      'another scheme',
      () => ({ tamper: authorization(() => 'Basic YTpi') }),
      'MissingAuthenticationTokenException',
    ],
    [
      'no SignedHeaders',
      () => ({ tamper: authorization((h) => h.replace(/SignedHeaders=[^,]+, /, '')) }),
      'IncompleteSignatureException',
    ],
    [
      'no date',
      () => ({ tamper: ({ headers }) => delete headers['x-amz-date'] }),
      'IncompleteSignatureException',
    ],
    [
      'a date in another format',
      () => ({
        tamper: ({ headers }) => {
          headers['x-amz-date'] = '2026-01-01'
        },
      }),
      'IncompleteSignatureException',
    ],
    [
      'another algorithm',
      () => ({ tamper: authorization((h) => h.replace('AWS4-HMAC-SHA256', 'AWS4-HMAC-SHA1')) }),
      'IncompleteSignatureException',
    ],
    [
      'a credential of four parts',
      () => ({ tamper: authorization((h) => h.replace('/aws4_request', '')) }),
      'IncompleteSignatureException',
    ],
    [
      'an unknown access key',
      () => ({ credentials: { ...admin(), accessKeyId: 'AKIAUNKNOWN' } }),
      'UnrecognizedClientException',
    ],
    [
      'a wrong secret',
      () => ({ credentials: { ...admin(), secretAccessKey: 'wrong' } }),
      'InvalidSignatureException',
    ],
    [
      'an altered body',
      () => ({
        tamper: (request) => {
          request.body = '{"Limit":1}'
        },
      }),
      'InvalidSignatureException',
    ],
    [
      'another operation than was signed',
      () => ({
        tamper: ({ headers }) => {
          headers['x-amz-target'] = 'TrentService.ListAliases'
        },
      }),
      'InvalidSignatureException',
    ],
    [
      'an altered signature',
      () => ({ tamper: authorization((h) => h.replace(/.$/, (c) => (c === '0' ? '1' : '0'))) }),
      'InvalidSignatureException',
    ],
    [
      'a truncated signature',
      () => ({ tamper: authorization((h) => h.slice(0, -2)) }),
      'InvalidSignatureException',
    ],
    [
      'an x-amz header outside the signature',
      () => ({
        tamper: ({ headers }) => {
          headers['x-amz-extra'] = '1'
        },
      }),
      'InvalidSignatureException',
    ],
    [
      'a host outside the signature',
      () => ({ tamper: authorization((h) => h.replace('host;', '')) }),
      'InvalidSignatureException',
    ],
    [
      'a date 16 minutes past',
      () => ({ signedAt: Date.now() - 16 * MINUTE }),
      'InvalidSignatureException',
    ],
    [
      'a date 16 minutes ahead',
      () => ({ signedAt: Date.now() + 16 * MINUTE }),
      'InvalidSignatureException',
    ],
    ['the scope of another service', () => ({ service: 'ssm' }), 'InvalidSignatureException'],
    ['the scope of no region', () => ({ region: 'nowhere' }), 'InvalidSignatureException'],
    [
      'another terminator',
      () => ({ tamper: authorization((h) => h.replace('aws4_request', 'aws5_request')) }),
      'InvalidSignatureException',
    ],
    [
      'the scope of another day',
      () => ({ tamper: authorization((h) => h.replace(/\/\d{8}\//, '/20200101/')) }),
      'InvalidSignatureException',
    ],
    [
      'temporary credentials without their session token',
      () => ({ credentials: { ...temporary, sessionToken: '' } }),
      'UnrecognizedClientException',
    ],
    [
      "a session token that is not the session's",
      () => ({ credentials: { ...temporary, sessionToken: 'AAAA' } }),
      'UnrecognizedClientException',
    ],
    [
      'a session token with a long-term key',
      () => ({ credentials: { ...admin(), sessionToken: temporary.sessionToken as string } }),
      'UnrecognizedClientException',
    ],
  ]

  it.each(cases)('%s', async (_, options, type) => {
    expect(await listKeys(options())).toEqual([400, type])
    expect(kms.journal.at(-1)).toMatchObject({ outcome: type })
    expect(kms.journal.at(-1)).not.toHaveProperty('principal')
  })

  it('rejects an expired session', async () => {
    const role = kms.createRole({ name: 'brief', policies: [allow('kms:*')] })
    const credentials = kms.credentialsOf(role.arn, { durationSeconds: 900 })
    kms.faults.clockOffsetMs = 16 * MINUTE
    const signedAt = Date.now() + 16 * MINUTE
    expect(await listKeys({ credentials, signedAt })).toEqual([400, 'ExpiredTokenException'])
  })

  it('rejects a date too far from its clock, and sends its time', async () => {
    kms.faults.clockOffsetMs = 60 * MINUTE
    const { type, body, headers } = await call(kms, 'ListKeys')
    expect(type).toBe('InvalidSignatureException')
    expect(body['message']).toMatch(/^Signature expired: \d{8}T\d{6}Z is now earlier than /)
    const skew = Date.parse(headers['date'] as string) - Date.now()
    expect(skew).toBeGreaterThan(59 * MINUTE)
  })

  it('does not repeat the signature in the error', async () => {
    const tamper = authorization((h) => h.replace(/SignedHeaders=[^,]+, /, ''))
    const { text } = await call(kms, 'ListKeys', {}, { tamper })
    expect(text).toContain('Credential=')
    expect(text).not.toMatch(/[0-9a-f]{64}/)
  })
})

describe('an unknown request', () => {
  it('answers an unknown operation with UnknownOperationException', async () => {
    expect((await call(kms, 'Frobnicate')).type).toBe('UnknownOperationException')
    expect((await call(kms, 'toString')).type).toBe('UnknownOperationException')
    expect((await call(kms, '__proto__')).type).toBe('UnknownOperationException')
  })

  it('answers a request without a target with UnknownOperationException', async () => {
    const { status, type } = await send(kms, { headers: {}, body: '{}' })
    expect([status, type]).toEqual([400, 'UnknownOperationException'])
  })

  it('answers a body that is not a JSON object with SerializationException', async () => {
    expect((await call(kms, 'ListKeys', '{')).type).toBe('SerializationException')
    expect((await call(kms, 'ListKeys', '[]')).type).toBe('SerializationException')
    expect((await call(kms, 'ListKeys', 'null')).type).toBe('SerializationException')
  })

  it('answers a body of more than one megabyte with status 413', async () => {
    const { status } = await send(kms, { headers: {}, body: 'x'.repeat(1_100_000) })
    expect(status).toBe(413)
  })
})
