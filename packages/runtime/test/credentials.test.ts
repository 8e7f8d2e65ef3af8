import fc from 'fast-check'
import { once } from 'node:events'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { configure } from '../src/configure.js'

const signal = AbortSignal.timeout(60_000)
const requests: IncomingMessage[] = []
let answer: { status?: number; expiresIn?: number } = {}
let server: Server
let address: string

beforeEach(async () => {
  vi.resetModules()
  requests.length = 0
  answer = {}
  server = createServer((request, response) => {
    requests.push(request)
    const { status = 200, expiresIn = 3_600_000 } = answer
    const body = {
      AccessKeyId: `KEY${requests.length}`,
      SecretAccessKey: 'secret',
      Token: 'token',
      Expiration: new Date(Date.now() + expiresIn).toISOString(),
    }
    response.writeHead(status).end(status === 200 ? JSON.stringify(body) : '{"code":"nope"}')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v2/credentials?a=b`
})

afterEach(() => {
  vi.unstubAllEnvs()
  configure({ credentials: undefined })
  server.closeAllConnections()
  server.close()
})

/** A copy of the module that has fetched nothing yet. */
const fresh = async () => (await import('../src/credentials.js')).credentials

describe('credentials', () => {
  it('come from the environment first', async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKID')
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret')
    vi.stubEnv('AWS_SESSION_TOKEN', 'session')
    vi.stubEnv('AWS_CONTAINER_CREDENTIALS_FULL_URI', address)
    expect(await (await fresh())(signal)).toEqual({
      AccessKeyId: 'AKID',
      SecretAccessKey: 'secret',
      Token: 'session',
    })
    expect(requests).toEqual([])
  })

  it('come from the container endpoint next, requested with its token', async () => {
    vi.stubEnv('AWS_CONTAINER_CREDENTIALS_FULL_URI', address)
    vi.stubEnv('AWS_CONTAINER_AUTHORIZATION_TOKEN', 'Bearer abc')
    expect(await (await fresh())(signal)).toMatchObject({
      AccessKeyId: 'KEY1',
      SecretAccessKey: 'secret',
      Token: 'token',
    })
    expect(
      requests.map(({ method, url, headers }) => [method, url, headers.authorization]),
    ).toEqual([['GET', '/v2/credentials?a=b', 'Bearer abc']])
  })

  it('are requested with the current content of the token file, which precedes the token', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'token-')), 'token')
    vi.stubEnv('AWS_CONTAINER_CREDENTIALS_FULL_URI', address)
    vi.stubEnv('AWS_CONTAINER_AUTHORIZATION_TOKEN', 'not this one')
    vi.stubEnv('AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE', file)
    answer = { expiresIn: 0 }
    const credentials = await fresh()
    for (const token of ['first', 'second']) {
      writeFileSync(file, `${token}\n`)
      await credentials(signal)
    }
    expect(requests.map(({ headers }) => headers.authorization)).toEqual(['first', 'second'])
  })

  it('are kept until they expire, then fetched again', async () => {
    vi.stubEnv('AWS_CONTAINER_CREDENTIALS_FULL_URI', address)
    const credentials = await fresh()
    await credentials(signal)
    expect(await credentials(signal)).toMatchObject({ AccessKeyId: 'KEY1' })

    const later = await (vi.resetModules(), fresh())
    answer = { expiresIn: 30_000 }
    await later(signal)
    expect(await later(signal)).toMatchObject({ AccessKeyId: 'KEY3' })
  })

  it.each([404, 429, 500])('are requested again if the endpoint answers %i', async (status) => {
    answer = { status }
    vi.stubEnv('AWS_CONTAINER_CREDENTIALS_FULL_URI', address)
    const error = await (await fresh())(signal).catch((error: unknown) => error)
    expect(error).toBeInstanceOf(Error)
    expect(error).toMatchObject({ message: expect.stringContaining(String(status)) })
  })

  it('fail immediately if there are none', async () => {
    await expect((await fresh())(signal)).rejects.toMatchObject({ code: 'CREDENTIALS_MISSING' })
  })

  it.each([
    'http://169.254.170.3/',
    'http://169x254x170x2/',
    'http://10.0.0.1/',
    'http://example.com/',
    'http://localhost.example.com/',
    'http://127.0.0.1.example.com/',
    'http://127.0.0.1@example.com/',
    'http://127.0.0.1:80@example.com/',
    'http://[fd00:ec2::24]/',
    'http://[::2]/',
  ])('are not requested from %s', async (uri) => {
    vi.stubEnv('AWS_CONTAINER_CREDENTIALS_FULL_URI', uri)
    await expect((await fresh())(signal)).rejects.toMatchObject({ code: 'ENDPOINT_INSECURE' })
  })

  it.each([
    'http://169.254.170.2/',
    'http://169.254.170.23/v1/credentials',
    'http://[fd00:ec2::23]/v1/credentials',
    'http://localhost/',
    'http://127.1.2.3/',
    'http://[::1]/',
    'https://example.com/',
  ])('may be requested from %s, as in the AWS SDKs', async (uri) => {
    vi.stubEnv('AWS_CONTAINER_CREDENTIALS_FULL_URI', uri)
    // Aborted before it connects: the host was let through, and nothing leaves the machine.
    await expect((await fresh())(AbortSignal.abort())).rejects.toMatchObject({ name: 'AbortError' })
  })

  it('are never requested from another host because of the relative address', async () => {
    const credentials = await fresh()
    const path = fc.string({ unit: fc.constantFrom(...'@:/.\\?#ab1') })
    await fc.assert(
      fc.asyncProperty(path, async (relative) => {
        vi.stubEnv('AWS_CONTAINER_CREDENTIALS_RELATIVE_URI', `@example.com/${relative}`)
        await expect(credentials(signal)).rejects.toMatchObject({ code: 'ENDPOINT_INSECURE' })
      }),
      { numRuns: 20 },
    )
  })

  it('come from the configured provider before anything else', async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKID')
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret')
    configure({ credentials: async () => ({ accessKeyId: 'MINE', secretAccessKey: 'mine' }) })
    expect(await (await fresh())(signal)).toMatchObject({
      AccessKeyId: 'MINE',
      SecretAccessKey: 'mine',
    })
  })

  it.each([undefined, null, 'nothing', { message: 'no profile' }, new Error('no profile')])(
    'are requested again if the configured provider throws %o',
    async (thrown) => {
      configure({ credentials: () => Promise.reject(thrown) })
      const error = await (await fresh())(signal).catch((error: unknown) => error)
      expect(error).toBeInstanceOf(Error)
      expect(error).toMatchObject({
        message: expect.stringMatching(
          /^configured credentials: (undefined|null|nothing|no profile)$/,
        ),
        cause: thrown,
      })
    },
  )

  it('are requested again if the configured provider throws synchronously', async () => {
    configure({
      credentials: () => {
        throw new Error('no profile')
      },
    })
    await expect((await fresh())(signal)).rejects.toThrow('configured credentials: no profile')
  })

  it.each([undefined, {}, { accessKeyId: 'MINE' }])(
    'fail immediately if the configured provider returns %o',
    async (given) => {
      configure({ credentials: async () => given as never })
      await expect((await fresh())(signal)).rejects.toMatchObject({ code: 'CREDENTIALS_MISSING' })
    },
  )

  it('time out with the attempt if the configured provider hangs', async () => {
    configure({ credentials: () => new Promise(() => {}) })
    await expect((await fresh())(AbortSignal.timeout(20))).rejects.toMatchObject({
      cause: { name: 'TimeoutError' },
    })
  })
})
