import type { FaultKind } from '@unplugin-kms/local-kms'
import { Agent } from 'node:https'
import { createServer } from 'node:net'
import { once } from 'node:events'
import type { AddressInfo, Socket } from 'node:net'
import { inspect } from 'node:util'
import { describe, expect, it, vi } from 'vitest'
import { configure } from '../src/configure.js'
import { direct } from '../src/shim.js'
import { CONTEXT, HASTY, useKms } from './world.js'

const world = useKms()
const VALUE = 'hunter2-hunter2'

/** Inside an object, since an async function's answer would be awaited. */
const make = async (settings = HASTY, context: Record<string, string> = CONTEXT) => ({
  secret: direct([await world.encrypt(VALUE)], context, 'DB', undefined, settings),
})

const retryable: FaultKind[] = [
  { kind: 'throttle' },
  ...['DependencyTimeoutException', 'KMSInternalException', 'KeyUnavailableException'].map(
    (type) => ({ kind: 'error', type, status: 500 }) as const,
  ),
  { kind: 'error', type: 'ServiceUnavailable', status: 503 },
  { kind: 'reset', when: 'before' },
  { kind: 'reset', when: 'during' },
  { kind: 'reset', when: 'after' },
  { kind: 'hang' },
  { kind: 'latency', ms: 1.5 * HASTY.attemptTimeoutMs },
  ...(['truncated', 'malformed', 'html', 'empty'] as const).flatMap((body) => [
    { kind: 'body', body } as const,
    { kind: 'body', body, status: 502 } as const,
    { kind: 'body', body, status: 403 } as const,
  ]),
]

const final = [
  'AccessDeniedException',
  'DisabledException',
  'NotFoundException',
  'KMSInvalidStateException',
  'InvalidCiphertextException',
  'IncorrectKeyException',
  'InvalidKeyUsageException',
  'InvalidGrantTokenException',
  'UnrecognizedClientException',
  'ExpiredTokenException',
  'InvalidSignatureException',
  'ValidationException',
]

describe('a temporary fault', () => {
  it.each(retryable.map((fault) => [inspect(fault), fault] as const))(
    'recovers from %s',
    async (_, fault) => {
      const { secret } = await make()
      world.kms.faults.add({ ...fault, times: 1 })
      expect(await secret).toBe(VALUE)
    },
  )

  it.each(
    retryable
      .filter(({ kind }) => kind !== 'reset')
      .map((fault) => [inspect(fault), fault] as const),
  )('reports KMS_UNREACHABLE if %s persists, and the next await succeeds', async (_, fault) => {
    const { secret } = await make()
    const injected = world.kms.faults.add({ ...fault, operation: 'Decrypt' })
    const error = await secret.catch((error: unknown) => error)
    expect(error).toMatchObject({ code: 'KMS_UNREACHABLE', secret: 'DB' })
    expect(inspect(error, { depth: 20, showHidden: true })).not.toContain('aHVudGVyMi1odW50ZXIy')
    injected.remove()
    expect(await secret).toBe(VALUE)
  })

  it('makes at most maxAttempts attempts', async () => {
    const { secret } = await make({ ...HASTY, maxAttempts: 2 })
    world.kms.faults.add({ kind: 'throttle', operation: 'Decrypt' })
    await expect(secret).rejects.toMatchObject({ kmsError: 'ThrottlingException' })
    expect(world.decrypts).toHaveLength(2)
  })

  it('fails by the deadline if KMS does not answer', async () => {
    const { secret } = await make({ attemptTimeoutMs: 200, deadlineMs: 700, maxAttempts: 100 })
    world.kms.faults.add({ kind: 'hang', operation: 'Decrypt' })
    const begun = performance.now()
    await expect(secret).rejects.toMatchObject({
      code: 'KMS_UNREACHABLE',
      message: expect.stringContaining('timeout'),
    })
    // A hundred attempts would take 20 seconds; the rest is room for a busy machine.
    expect(performance.now() - begun).toBeLessThan(10_000)
  })

  it('retries a refused connection', async () => {
    const { secret } = await make()
    const closed = createServer().listen(0, '127.0.0.1')
    await once(closed, 'listening')
    const { port } = closed.address() as AddressInfo
    await new Promise((resolve) => closed.close(resolve))
    vi.stubEnv('AWS_ENDPOINT_URL_KMS', `http://127.0.0.1:${port}`)
    const error = await secret.catch((error: unknown) => error)
    vi.unstubAllEnvs()
    expect(error).toMatchObject({
      code: 'KMS_UNREACHABLE',
      message: expect.stringContaining('ECONNREFUSED'),
    })
  })

  const PLAINTEXT = '{"Plaintext":"aHVudGVyMi1odW50ZXIy"}'
  it.each([
    ['no HTTP', 'HTTP/1.1 200 OK\r\nbad header\r\n\r\n' + PLAINTEXT],
    ['cut off in its headers', 'HTTP/1.1 200 OK\r\nContent-Len'],
    ['cut off in its body', 'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n' + PLAINTEXT],
    [
      'cut off in a chunk',
      `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n99\r\n${PLAINTEXT}`,
    ],
    ['to be continued', 'HTTP/1.1 100 Continue\r\n\r\n'],
    ['of another protocol', 'HTTP/1.1 101 .\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n'],
    ['elsewhere', 'HTTP/1.1 307 .\r\nLocation: http://127.0.0.1/\r\nContent-Length: 0\r\n\r\n'],
    ['no JSON', 'HTTP/1.1 200 OK\r\nContent-Length: 34\r\n\r\n{"Plaintext":aHVudGVyMi1odW50ZXIy}'],
    ['of no object', 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnull'],
    ...[
      '{"Plaintext":1}',
      '{"Plaintext":true}',
      '{"Plaintext":""}',
      '{"Plaintext":{"length":3e9}}',
      '{"Plaintext":{"length":3e9,"trim":1}}',
      '{"Plaintext":{"type":"Buffer","data":[104,105]}}',
      '{"Plaintext":["aHVudGVyMi1odW50ZXIy"]}',
      '{"__type":1}',
      '{"__type":["AccessDeniedException"]}',
      '{"__type":{"split":1}}',
      '{"message":{"length":3e9}}',
      '["Plaintext"]',
      '"Plaintext"',
      '1e400',
    ].map((body) => [body, `HTTP/1.1 400 .\r\nContent-Length: ${body.length}\r\n\r\n${body}`]),
  ])('reports an answer that is %s without showing its content', async (_, answer) => {
    const { secret } = await make({ ...HASTY, attemptTimeoutMs: 200, deadlineMs: 700 })
    const sockets = new Set<Socket>()
    // It never ends an answer by closing the connection: the shim must.
    const babbling = createServer((socket) => {
      sockets.add(socket.on('error', () => {}).once('data', () => socket.write(answer)))
    }).listen(0, '127.0.0.1')
    await once(babbling, 'listening')
    const { port } = babbling.address() as AddressInfo
    vi.stubEnv('AWS_ENDPOINT_URL_KMS', `http://127.0.0.1:${port}`)
    const error = await secret.catch((error: unknown) => error)
    vi.unstubAllEnvs()
    expect(error).toMatchObject({ code: 'KMS_UNREACHABLE', secret: 'DB' })
    const shown = inspect(error, { depth: 20, showHidden: true })
    expect(shown).not.toContain('aHVudGV')
    expect(shown).not.toContain('48 54 54 50')
    for (const socket of sockets) socket.destroy()
    babbling.close()
  })
})

describe('a permanent fault', () => {
  it.each(final)('fails immediately with %s', async (type) => {
    const { secret } = await make()
    world.kms.faults.add({ kind: 'error', type, status: 400, operation: 'Decrypt' })
    await expect(secret).rejects.toMatchObject({
      code: type === 'AccessDeniedException' ? 'KMS_DENIED' : 'KMS_FAILED',
      kmsError: type,
      requestId: expect.stringMatching(/./),
      keyArn: expect.stringMatching(/^arn:aws:kms:/),
    })
    expect(world.decrypts).toHaveLength(1)
  })

  it('reports caller, action, key and context of a missing permission, and the key policy', async () => {
    const wrapped = await world.encrypt(VALUE)
    const role = world.kms.createRole({ name: 'orders' })
    Object.assign(
      process.env,
      world.kms.envFor(world.kms.credentialsOf(role.arn, { sessionName: 'fn' })),
    )
    const error = await direct([wrapped], CONTEXT, 'DB', undefined, HASTY).catch(
      (error: unknown) => error,
    )
    delete process.env.AWS_SESSION_TOKEN
    expect(error).toMatchObject({ code: 'KMS_DENIED', kmsError: 'AccessDeniedException' })
    const { message } = error as Error
    for (const part of [
      'DB',
      'assumed-role/orders/fn',
      'kms:Decrypt',
      wrapped[0],
      JSON.stringify(CONTEXT),
      'check the key policy',
      '[KMS_DENIED]',
    ]) {
      expect(message).toContain(part)
    }
  })

  it('shows the encryption context that was sent', async () => {
    const { secret } = await make(HASTY, { app: 'other' })
    await expect(secret).rejects.toMatchObject({
      kmsError: 'InvalidCiphertextException',
      message: expect.stringContaining('{"app":"other"}'),
    })
  })
})

describe('a connection that fails', () => {
  it('reports the reason for each address of a host that has several', async () => {
    const { secret } = await make()
    const [closed, other] = [createServer().listen(0, '127.0.0.1'), createServer()]
    await once(closed, 'listening')
    const { port } = closed.address() as AddressInfo
    closed.close()
    other.close()
    // Node tries both addresses in parallel, and reports an AggregateError without a message.
    const agent = new Agent({
      lookup: (_host, _options, found) =>
        (found as Function)(null, [
          { address: '127.0.0.1', family: 4 },
          { address: '127.0.0.2', family: 4 },
        ]),
      autoSelectFamily: true,
    })
    configure({ agent })
    vi.stubEnv('AWS_ENDPOINT_URL_KMS', `https://localhost:${port}`)
    const error = await secret.catch((error: unknown) => error)
    vi.unstubAllEnvs()
    configure({ agent: undefined })
    expect(error).toMatchObject({
      code: 'KMS_UNREACHABLE',
      message: expect.stringMatching(/ECONNREFUSED 127\.0\.0\.1.*ECONNREFUSED 127\.0\.0\.2/),
    })
  })
})

describe('an event loop that is blocked for longer than each attempt', () => {
  /** Blocks for 150 ms at a time until the promise settles. */
  async function blockUntil(promise: Promise<unknown>) {
    const state = { settled: false }
    const end = () => (state.settled = true)
    promise.then(end, end)
    const flag = new Int32Array(new SharedArrayBuffer(4))
    while (!state.settled) {
      Atomics.wait(flag, 0, 0, 150)
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  it('is treated as a freeze a limited number of times', async () => {
    const { secret } = await make({ attemptTimeoutMs: 50, deadlineMs: 100, maxAttempts: 3 })
    const hang = world.kms.faults.add({ kind: 'hang', operation: 'Decrypt' })
    const failed = secret.catch((error: unknown) => error)
    vi.useFakeTimers({ toFake: ['Date'] })
    try {
      // Each look at the clock is a minute later, as in a process that is frozen again and again.
      const now = vi.spyOn(Date, 'now')
      let time = 1e12
      now.mockImplementation(() => (time += 60_000))
      await blockUntil(failed)
    } finally {
      vi.restoreAllMocks()
      vi.useRealTimers()
    }
    expect(await failed).toMatchObject({ code: 'KMS_UNREACHABLE' })
    expect(hang.strikes).toBeLessThanOrEqual(4)
  })

  it('does not make a final answer retryable', async () => {
    const { secret } = await make()
    world.kms.faults.add({
      kind: 'error',
      type: 'AccessDeniedException',
      status: 400,
      operation: 'Decrypt',
    })
    const latency = world.kms.faults.add({ kind: 'latency', ms: 100, operation: 'Decrypt' })
    const failed = secret.catch((error: unknown) => error)
    await expect.poll(() => latency.strikes).toBeGreaterThan(0)
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 30_000 })
    try {
      expect(await failed).toMatchObject({ code: 'KMS_DENIED' })
    } finally {
      vi.useRealTimers()
    }
    expect(world.decrypts).toHaveLength(1)
  })
})

describe('a clock', () => {
  it.each([-3_600_000, 3_600_000])(
    'that is wrong by %i ms is corrected once, by the clock of KMS',
    async (offset) => {
      const [{ secret }, another, third] = [await make(), await make(), await make()]
      world.kms.faults.clockOffsetMs = offset
      expect(await secret).toBe(VALUE)
      expect(world.decrypts.map(({ outcome }) => outcome)).toEqual([
        'InvalidSignatureException',
        'Success',
      ])
      expect(await another.secret).toBe(VALUE)
      expect(world.decrypts).toHaveLength(3)
      // Back again, which leaves the module's clock right for the other tests.
      world.kms.faults.clockOffsetMs = 0
      expect(await third.secret).toBe(VALUE)
    },
  )

  it('that is wrong is corrected once for many requests', async () => {
    const secrets = await Promise.all(Array.from({ length: 5 }, () => make()))
    world.kms.faults.clockOffsetMs = 3_600_000
    const opened = await Promise.all(secrets.map(({ secret }) => secret))
    expect(opened).toEqual(Array(5).fill(VALUE))
    expect(world.decrypts.filter(({ outcome }) => outcome !== 'Success')).toHaveLength(5)
    // Back again, which leaves the module's clock right for the other tests.
    world.kms.faults.clockOffsetMs = 0
    const { secret } = await make()
    expect(await secret).toBe(VALUE)
  })

  it('that jumps beyond the deadline is a freeze, however long an attempt may take', async () => {
    const { secret } = await make({ attemptTimeoutMs: 3000, deadlineMs: 3300, maxAttempts: 1 })
    const hang = world.kms.faults.add({ kind: 'hang', operation: 'Decrypt', times: 1 })
    const opened = secret.then((value) => value)
    await expect.poll(() => hang.strikes).toBe(1)
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 5000 })
    try {
      expect(await opened).toBe(VALUE)
    } finally {
      vi.useRealTimers()
    }
  })

  it('that jumps during a request, as after a freeze, leaves the complete deadline', async () => {
    const { secret } = await make()
    const hang = world.kms.faults.add({ kind: 'hang', operation: 'Decrypt', times: 1 })
    const opened = secret.then((value) => value)
    await expect.poll(() => hang.strikes).toBe(1)
    const throttle = world.kms.faults.add({ kind: 'throttle', operation: 'Decrypt', times: 1 })
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3_600_000 })
    try {
      expect(await opened).toBe(VALUE)
    } finally {
      vi.useRealTimers()
    }
    expect(throttle.strikes).toBe(1)
  })
})
