import { createServer, type Server } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { configure } from '../src/configure.js'
import { direct, envelope } from '../src/shim.js'
import { CONTEXT, PATIENT, useKms } from './world.js'

const world = useKms()
const REJECTIONS = ['ExpiredTokenException', 'UnrecognizedClientException']

const reject = (type: string, times = 1000) =>
  world.kms.faults.add({ kind: 'error', type, status: 400, operation: 'Decrypt', times })

describe('credentials of a container', () => {
  let server: Server
  let fetched = 0

  beforeEach(async () => {
    fetched = 0
    server = createServer((_, response) => {
      const { accessKeyId, secretAccessKey } = world.kms.admin.credentials
      const Expiration = new Date(Date.now() + 3_600_000).toISOString()
      fetched++
      response.end(
        JSON.stringify({ AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey, Expiration }),
      )
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    for (const name of ['ACCESS_KEY_ID', 'SECRET_ACCESS_KEY', 'SESSION_TOKEN']) {
      vi.stubEnv(`AWS_${name}`, '')
    }
    vi.stubEnv('AWS_CONTAINER_CREDENTIALS_FULL_URI', `http://localhost:${port}`)
    vi.resetModules()
  })
  afterEach(() => {
    vi.unstubAllEnvs()
    server.closeAllConnections()
    server.close()
  })

  /** A copy of the shim that has fetched nothing yet. */
  const fresh = async () => (await import('../src/shim.js')).direct

  it('are fetched once for many secrets', async () => {
    const make = await fresh()
    for (const value of ['a', 'b', 'c']) {
      expect(await make([await world.encrypt(value)], CONTEXT, 'S', undefined, PATIENT)).toBe(value)
    }
    expect(fetched).toBe(1)
  })

  it.each(REJECTIONS)(
    'are fetched again after AWS answered %s, within the same await',
    async (type) => {
      const make = await fresh()
      await make([await world.encrypt('a')], CONTEXT, 'A', undefined, PATIENT)
      const secret = make([await world.encrypt('b')], CONTEXT, 'B', undefined, PATIENT)
      reject(type, 1)
      expect(await secret).toBe('b')
      expect(fetched).toBe(2)
    },
  )

  it.each(REJECTIONS)(
    'are fetched again for each of many secrets that %s rejected',
    async (type) => {
      const make = await fresh()
      await make([await world.encrypt('a')], CONTEXT, 'A', undefined, PATIENT)
      const wrapped = await world.encrypt('b')
      // Which of them is rejected again is a matter of order.
      const patient = { attemptTimeoutMs: 5000, deadlineMs: 30_000, maxAttempts: 9 }
      const secrets = Array.from({ length: 8 }, () =>
        make([wrapped], CONTEXT, 'B', undefined, patient),
      )
      reject(type, 8)
      expect(await Promise.all(secrets)).toEqual(Array(8).fill('b'))
    },
  )

  it('are not kept after AWS rejected them for good', async () => {
    const make = await fresh()
    const fault = reject('ExpiredTokenException')
    const secret = make([await world.encrypt('a')], CONTEXT, 'A', undefined, PATIENT)
    await expect(secret).rejects.toMatchObject({ kmsError: 'ExpiredTokenException' })
    const before = fetched
    fault.remove()
    expect(await secret).toBe('a')
    expect(fetched).toBe(before + 1)
  })

  it('are renewed when a slow clock takes them for valid', async () => {
    const make = await fresh()
    await make([await world.encrypt('a')], CONTEXT, 'A', undefined, PATIENT)
    // For AWS, an hour has passed: the clock is corrected first, then the credentials.
    world.kms.faults.clockOffsetMs = 3_600_000
    const secret = make([await world.encrypt('b')], CONTEXT, 'B', undefined, PATIENT)
    reject('ExpiredTokenException', 1)
    expect(await secret).toBe('b')
    expect(fetched).toBe(2)
  })
})

describe('credentials of configure', () => {
  afterEach(() => configure({ credentials: undefined }))

  it.each(REJECTIONS)('are requested with forceRefresh after AWS answered %s', async (type) => {
    const calls: unknown[] = []
    const { credentials } = world.kms.admin
    configure({
      credentials: async (options) => {
        calls.push(options?.forceRefresh)
        return credentials
      },
    })
    reject(type, 1)
    expect(await direct([await world.encrypt('a')], CONTEXT, 'A', undefined, PATIENT)).toBe('a')
    expect(calls).toEqual([false, true])
  })

  it.each(REJECTIONS)('that stay the same make %s final', async (type) => {
    const { credentials } = world.kms.admin
    configure({ credentials: async () => credentials })
    reject(type)
    const secret = direct([await world.encrypt('a')], CONTEXT, 'A', undefined, PATIENT)
    await expect(secret).rejects.toMatchObject({ code: 'KMS_FAILED', kmsError: type })
    expect(world.decrypts).toHaveLength(2)
  })

  /** Puts credentials of a role that may not decrypt into the environment. */
  function denyEnvironment() {
    const role = world.kms.createRole({ name: 'orders' })
    const credentials = world.kms.credentialsOf(role.arn, { sessionName: 'fn' })
    for (const [name, value] of Object.entries(world.kms.envFor(credentials))) {
      vi.stubEnv(name, value)
    }
  }

  it('come in time from the module that contains the secrets', async () => {
    const pair = await world.pair()
    const token = await pair.seal('hunter2')
    denyEnvironment()
    // The order in a bundle: the pair's module runs, then the module that imports it.
    const open = envelope([pair.wrapped], CONTEXT, PATIENT)
    configure({ credentials: async () => world.kms.admin.credentials })
    const opened = await open(token, 'DB')
    vi.unstubAllEnvs()
    expect(opened).toBe('hunter2')
    expect(world.decrypts.map(({ outcome }) => outcome)).toEqual(['Success'])
  })

  it('replace those of an unwrap that has already started', async () => {
    const [pair, allowed] = [await world.pair(), world.kms.admin.credentials]
    const token = await pair.seal('hunter2')
    denyEnvironment()
    const latency = world.kms.faults.add({
      kind: 'latency',
      ms: 50,
      operation: 'Decrypt',
      times: 1,
    })
    const open = envelope([pair.wrapped], CONTEXT, PATIENT)
    await expect.poll(() => latency.strikes).toBe(1)
    configure({ credentials: async () => allowed })
    expect(await open(token, 'DB')).toBe('hunter2')
    vi.unstubAllEnvs()
  })

  it('report the reasons of a provider that throws an AggregateError', async () => {
    configure({ credentials: () => Promise.reject(new AggregateError([new Error('no profile')])) })
    const secret = direct([await world.encrypt('a')], CONTEXT, 'A', undefined, PATIENT)
    await expect(secret).rejects.toMatchObject({
      code: 'KMS_UNREACHABLE',
      message: expect.stringContaining('no profile'),
    })
  })
})
