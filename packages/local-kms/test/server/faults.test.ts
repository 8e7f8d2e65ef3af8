import { KMSClient, ListKeysCommand } from '@aws-sdk/client-kms'
import { Agent, request } from 'node:http'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { startLocalKms, type Fault, type LocalKms } from '../../src/index.js'
import { call, succeed } from '../call.js'

let kms: LocalKms
beforeEach(async () => {
  kms = await startLocalKms()
})
afterEach(() => kms.close())

const listKeys = async (): Promise<number> => (await call(kms, 'ListKeys')).status
const failure = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'no failure',
    (error: NodeJS.ErrnoException) => error.code ?? error.message,
  )

describe('a fault strikes', () => {
  test('only the operation it is for', async () => {
    kms.faults.add({ kind: 'throttle', operation: 'ListKeys' })
    expect((await call(kms, 'ListKeys')).type).toBe('ThrottlingException')
    expect((await call(kms, 'ListAliases')).status).toBe(200)
  })

  test('only the service it is for', async () => {
    kms.faults.add({ kind: 'throttle', operation: 'ssm:GetParameter' })
    expect((await call(kms, 'ssm:GetParameter', { Name: 'x' })).type).toBe('ThrottlingException')
    expect(await listKeys()).toBe(200)
  })

  test('as many times as it is told, and counts', async () => {
    const fault = kms.faults.add({ kind: 'throttle', times: 2 })
    const statuses = [await listKeys(), await listKeys(), await listKeys()]
    expect(statuses).toEqual([400, 400, 200])
    expect(fault.strikes).toBe(2)
  })

  test('a share of the calls, evenly', async () => {
    kms.faults.add({ kind: 'throttle', rate: 0.4 })
    const statuses: number[] = []
    for (let i = 0; i < 10; i += 1) statuses.push(await listKeys())
    expect(statuses).toEqual([200, 200, 400, 200, 400, 200, 200, 400, 200, 400])
  })

  test('the calls beyond a number in a second', async () => {
    kms.faults.add({ kind: 'throttle', perSecond: 5 })
    const statuses = await Promise.all(Array.from({ length: 40 }, listKeys))
    const passed = statuses.filter((status) => status === 200).length
    expect(passed).toBeGreaterThanOrEqual(5)
    expect(passed).toBeLessThan(40)
  })

  test('until it is removed, or all are cleared', async () => {
    const fault = kms.faults.add({ kind: 'throttle' })
    expect(await listKeys()).toBe(400)
    fault.remove()
    expect(await listKeys()).toBe(200)
    kms.faults.add({ kind: 'throttle' })
    kms.faults.clear()
    expect(await listKeys()).toBe(200)
  })

  test('one after another when several are for the same operation', async () => {
    kms.faults.add({ kind: 'throttle', times: 1 })
    kms.faults.add({ kind: 'error', type: 'KMSInternalException', status: 500, times: 1 })
    expect([await listKeys(), await listKeys(), await listKeys()]).toEqual([400, 500, 200])
  })

  test.each([
    [{ operation: 'Decrpt' }, /Decrpt: there is no such operation here/],
    [{ operation: 'ssm:Decrypt' }, /ssm:Decrypt: there is no such operation here/],
    [{ times: 0 }, /times is 1 or more/],
    [{ rate: 0 }, /rate more than 0/],
    [{ rate: 1.5 }, /rate more than 0 and at most 1/],
  ])('or is refused where it never could: %o', (where, message) => {
    expect(() => kms.faults.add({ kind: 'throttle', ...where })).toThrowError(message)
  })

  test('and the journal says so', async () => {
    kms.faults.add({ kind: 'reset', when: 'during', times: 1 })
    await failure(call(kms, 'ListKeys'))
    expect(kms.journal.at(-1)).toMatchObject({ outcome: 'Success', fault: 'reset during' })
  })
})

describe('each kind of fault', () => {
  test('an error has the name, status and message it is given', async () => {
    kms.faults.add({
      kind: 'error',
      type: 'DependencyTimeoutException',
      status: 503,
      message: 'try again',
    })
    const { status, type, body } = await call(kms, 'ListKeys')
    expect([status, type, body['message']]).toEqual([
      503,
      'DependencyTimeoutException',
      'try again',
    ])
  })

  test('latency is waited for, and the answer is as ever', async () => {
    kms.faults.add({ kind: 'latency', ms: 50, times: 1 })
    const started = performance.now()
    expect(await listKeys()).toBe(200)
    expect(performance.now() - started).toBeGreaterThanOrEqual(49)
    expect(kms.journal.at(-1)?.fault).toBe('latency 50 ms')
  })

  test.each(['before', 'during'] as const)(
    'a reset %s the answer is a connection error',
    async (when) => {
      kms.faults.add({ kind: 'reset', when, times: 1 })
      expect(await failure(call(kms, 'ListKeys'))).toBe('ECONNRESET')
      expect(await listKeys()).toBe(200)
    },
  )

  test('a reset before the answer comes after the operation was carried out', async () => {
    kms.faults.add({ kind: 'reset', when: 'before', operation: 'CreateKey', times: 1 })
    await failure(call(kms, 'CreateKey'))
    expect((await succeed(kms, 'ListKeys'))['Keys']).toHaveLength(1)
  })

  test('a reset after the answer leaves a kept connection broken, and a client that retries well', async () => {
    const agent = new Agent({ keepAlive: true })
    kms.faults.add({ kind: 'reset', when: 'after', times: 1 })
    expect((await call(kms, 'ListKeys', {}, { agent })).status).toBe(200)
    agent.destroy()
    const { credentials } = kms.admin
    const client = new KMSClient({ endpoint: kms.url, region: kms.region, credentials })
    kms.faults.add({ kind: 'reset', when: 'after', times: 1 })
    for (let i = 0; i < 3; i += 1) await client.send(new ListKeysCommand({}))
  })

  test('a hang gives no answer while the client waits', async () => {
    kms.faults.add({ kind: 'hang', times: 1 })
    const controller = new AbortController()
    const answered = new Promise((resolve, reject) => {
      const req = request(kms.url, { method: 'POST', signal: controller.signal }, resolve)
      req.on('error', reject)
      req.end()
    })
    await expect.poll(() => kms.journal.length).toBe(1)
    controller.abort()
    expect(await failure(answered)).toBe('ABORT_ERR')
    expect(await listKeys()).toBe(200)
  })

  const bodies: [Fault & { kind: 'body' }, RegExp, string][] = [
    [{ kind: 'body', body: 'truncated' }, /^\{"Keys":\[\],/, 'application/x-amz-json-1.1'],
    [{ kind: 'body', body: 'malformed' }, /^\{"Plaintext": \]$/, 'application/x-amz-json-1.1'],
    [{ kind: 'body', body: 'html' }, /^<html>/, 'text/html'],
    [{ kind: 'body', body: 'empty' }, /^$/, 'application/x-amz-json-1.1'],
  ]
  test.each(bodies)('%o is sent in a sound HTTP answer', async (fault, text, type) => {
    kms.faults.add(fault)
    const answer = await call(kms, 'ListKeys')
    expect(answer.status).toBe(200)
    expect(answer.text).toMatch(text)
    expect(answer.headers['content-type']).toBe(type)
    expect(() => JSON.parse(answer.text)).toThrow()
  })

  test('a body may come with a status of its own, as from a proxy', async () => {
    kms.faults.add({ kind: 'body', body: 'html', status: 502 })
    expect(await listKeys()).toBe(502)
  })

  test('a clock that is off is off for its operation alone, in check and Date', async () => {
    kms.faults.add({ kind: 'clock', offsetMs: 1_800_000, operation: 'ListKeys', times: 1 })
    expect((await call(kms, 'ListAliases')).status).toBe(200)
    const { type, headers } = await call(kms, 'ListKeys')
    expect(type).toBe('InvalidSignatureException')
    const ahead = Date.parse(String(headers['date'])) - Date.now()
    expect(Math.abs(ahead - 1_800_000)).toBeLessThan(60_000)
    expect(kms.journal.at(-1)?.fault).toBe('clock 1800000 ms')
    expect(await listKeys()).toBe(200)
  })

  test('a call that it refuses has its caller in the journal all the same', async () => {
    kms.faults.add({ kind: 'throttle' })
    await call(kms, 'ListKeys')
    expect(kms.journal.at(-1)).toMatchObject({ principal: kms.admin.arn, region: 'us-east-1' })
  })

  test('a latency and a failure strike together, and the journal has both', async () => {
    kms.faults.add({ kind: 'latency', ms: 5 })
    kms.faults.add({ kind: 'throttle' })
    expect((await call(kms, 'ListKeys')).type).toBe('ThrottlingException')
    expect(kms.journal.at(-1)?.fault).toBe('latency 5 ms, throttle')
  })

  test('a closing server ends hanging and delayed calls', async () => {
    kms.faults.add({ kind: 'hang', operation: 'ListKeys' })
    kms.faults.add({ kind: 'latency', ms: 3_600_000, operation: 'ListAliases' })
    const calls = [failure(call(kms, 'ListKeys')), failure(call(kms, 'ListAliases'))]
    await expect.poll(() => kms.journal.length).toBe(2)
    await kms.close()
    expect(await Promise.all(calls)).toEqual(['ECONNRESET', 'ECONNRESET'])
  })
})

describe('the AWS SDK gets over', () => {
  const faults: Fault[] = [
    { kind: 'throttle' },
    { kind: 'error', type: 'KMSInternalException', status: 500 },
    { kind: 'reset', when: 'before' },
    { kind: 'reset', when: 'during' },
    { kind: 'body', body: 'html', status: 503 },
  ]
  test.each(faults)('%o, once', async (fault) => {
    kms.faults.add({ ...fault, times: 1 })
    const { credentials } = kms.admin
    const client = new KMSClient({ endpoint: kms.url, region: kms.region, credentials })
    const { $metadata } = await client.send(new ListKeysCommand({}))
    expect($metadata.attempts).toBe(2)
  })

  test('a clock that is an hour off, from the Date of the answer', async () => {
    kms.faults.clockOffsetMs = 3_600_000
    const { credentials } = kms.admin
    const client = new KMSClient({ endpoint: kms.url, region: kms.region, credentials })
    await client.send(new ListKeysCommand({}))
    expect(kms.journal.map((entry) => entry.outcome)).toEqual([
      'InvalidSignatureException',
      'Success',
    ])
  })
})
