import { KMSClient, ListKeysCommand } from '@aws-sdk/client-kms'
import { Agent, request } from 'node:http'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
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

describe('a fault', () => {
  it('applies to its operation only', async () => {
    kms.faults.add({ kind: 'throttle', operation: 'ListKeys' })
    expect((await call(kms, 'ListKeys')).type).toBe('ThrottlingException')
    expect((await call(kms, 'ListAliases')).status).toBe(200)
  })

  it('applies to its service only', async () => {
    kms.faults.add({ kind: 'throttle', operation: 'ssm:GetParameter' })
    expect((await call(kms, 'ssm:GetParameter', { Name: 'x' })).type).toBe('ThrottlingException')
    expect(await listKeys()).toBe(200)
  })

  it('applies as many times as requested, and counts them', async () => {
    const fault = kms.faults.add({ kind: 'throttle', times: 2 })
    const statuses = [await listKeys(), await listKeys(), await listKeys()]
    expect(statuses).toEqual([400, 400, 200])
    expect(fault.strikes).toBe(2)
  })

  it('applies to a share of the calls, evenly', async () => {
    kms.faults.add({ kind: 'throttle', rate: 0.4 })
    const statuses: number[] = []
    for (let i = 0; i < 10; i += 1) statuses.push(await listKeys())
    expect(statuses).toEqual([200, 200, 400, 200, 400, 200, 200, 400, 200, 400])
  })

  it('applies to the calls beyond a rate', async () => {
    kms.faults.add({ kind: 'throttle', perSecond: 5 })
    const statuses = await Promise.all(Array.from({ length: 40 }, listKeys))
    const passed = statuses.filter((status) => status === 200).length
    expect(passed).toBeGreaterThanOrEqual(5)
    expect(passed).toBeLessThan(40)
  })

  it('applies until it is removed, or all are cleared', async () => {
    const fault = kms.faults.add({ kind: 'throttle' })
    expect(await listKeys()).toBe(400)
    fault.remove()
    expect(await listKeys()).toBe(200)
    kms.faults.add({ kind: 'throttle' })
    kms.faults.clear()
    expect(await listKeys()).toBe(200)
  })

  it('applies one after another with others of the same operation', async () => {
    kms.faults.add({ kind: 'throttle', times: 1 })
    kms.faults.add({ kind: 'error', type: 'KMSInternalException', status: 500, times: 1 })
    expect([await listKeys(), await listKeys(), await listKeys()]).toEqual([400, 500, 200])
  })

  it.each([
    [{ operation: 'Decrpt' }, /Decrpt: this operation is not served/],
    [{ operation: 'ssm:Decrypt' }, /ssm:Decrypt: this operation is not served/],
    [{ times: 0 }, /times must be at least 1/],
    [{ rate: 0 }, /rate more than 0/],
    [{ rate: 1.5 }, /rate more than 0 and at most 1/],
  ])('is rejected if it could never apply: %o', (where, message) => {
    expect(() => kms.faults.add({ kind: 'throttle', ...where })).toThrowError(message)
  })

  it('is in the journal', async () => {
    kms.faults.add({ kind: 'reset', when: 'during', times: 1 })
    await failure(call(kms, 'ListKeys'))
    expect(kms.journal.at(-1)).toMatchObject({ outcome: 'Success', fault: 'reset during' })
  })
})

describe('each kind of fault', () => {
  it('answers an error with the requested name, status and message', async () => {
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

  it('delays an answer', async () => {
    kms.faults.add({ kind: 'latency', ms: 50, times: 1 })
    const started = performance.now()
    expect(await listKeys()).toBe(200)
    expect(performance.now() - started).toBeGreaterThanOrEqual(49)
    expect(kms.journal.at(-1)?.fault).toBe('latency 50 ms')
  })

  it.each(['before', 'during'] as const)('resets the connection %s the answer', async (when) => {
    kms.faults.add({ kind: 'reset', when, times: 1 })
    expect(await failure(call(kms, 'ListKeys'))).toBe('ECONNRESET')
    expect(await listKeys()).toBe(200)
  })

  it('resets the connection before the answer, after the operation ran', async () => {
    kms.faults.add({ kind: 'reset', when: 'before', operation: 'CreateKey', times: 1 })
    await failure(call(kms, 'CreateKey'))
    expect((await succeed(kms, 'ListKeys'))['Keys']).toHaveLength(1)
  })

  it('resets a kept connection after the answer, and a client can retry', async () => {
    const agent = new Agent({ keepAlive: true })
    kms.faults.add({ kind: 'reset', when: 'after', times: 1 })
    expect((await call(kms, 'ListKeys', {}, { agent })).status).toBe(200)
    agent.destroy()
    const { credentials } = kms.admin
    const client = new KMSClient({ endpoint: kms.url, region: kms.region, credentials })
    kms.faults.add({ kind: 'reset', when: 'after', times: 1 })
    for (let i = 0; i < 3; i += 1) await client.send(new ListKeysCommand({}))
  })

  it('does not answer while the client waits', async () => {
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
  it.each(bodies)('sends %o in a valid HTTP answer', async (fault, text, type) => {
    kms.faults.add(fault)
    const answer = await call(kms, 'ListKeys')
    expect(answer.status).toBe(200)
    expect(answer.text).toMatch(text)
    expect(answer.headers['content-type']).toBe(type)
    expect(() => JSON.parse(answer.text)).toThrow()
  })

  it('sends a body with another status', async () => {
    kms.faults.add({ kind: 'body', body: 'html', status: 502 })
    expect(await listKeys()).toBe(502)
  })

  it('changes the clock of one operation, in checks and in Date', async () => {
    kms.faults.add({ kind: 'clock', offsetMs: 1_800_000, operation: 'ListKeys', times: 1 })
    expect((await call(kms, 'ListAliases')).status).toBe(200)
    const { type, headers } = await call(kms, 'ListKeys')
    expect(type).toBe('InvalidSignatureException')
    const ahead = Date.parse(String(headers['date'])) - Date.now()
    expect(Math.abs(ahead - 1_800_000)).toBeLessThan(60_000)
    expect(kms.journal.at(-1)?.fault).toBe('clock 1800000 ms')
    expect(await listKeys()).toBe(200)
  })

  it('records the caller of a call that it answers with an error', async () => {
    kms.faults.add({ kind: 'throttle' })
    await call(kms, 'ListKeys')
    expect(kms.journal.at(-1)).toMatchObject({ principal: kms.admin.arn, region: 'us-east-1' })
  })

  it('applies a latency together with an error, and records both', async () => {
    kms.faults.add({ kind: 'latency', ms: 5 })
    kms.faults.add({ kind: 'throttle' })
    expect((await call(kms, 'ListKeys')).type).toBe('ThrottlingException')
    expect(kms.journal.at(-1)?.fault).toBe('latency 5 ms, throttle')
  })

  it('ends hanging and delayed calls when the server closes', async () => {
    kms.faults.add({ kind: 'hang', operation: 'ListKeys' })
    kms.faults.add({ kind: 'latency', ms: 3_600_000, operation: 'ListAliases' })
    const calls = [failure(call(kms, 'ListKeys')), failure(call(kms, 'ListAliases'))]
    await expect.poll(() => kms.journal.length).toBe(2)
    await kms.close()
    expect(await Promise.all(calls)).toEqual(['ECONNRESET', 'ECONNRESET'])
  })
})

describe('the AWS SDK recovers from', () => {
  const faults: Fault[] = [
    { kind: 'throttle' },
    { kind: 'error', type: 'KMSInternalException', status: 500 },
    { kind: 'reset', when: 'before' },
    { kind: 'reset', when: 'during' },
    { kind: 'body', body: 'html', status: 503 },
  ]
  it.each(faults)('one fault: %o', async (fault) => {
    kms.faults.add({ ...fault, times: 1 })
    const { credentials } = kms.admin
    const client = new KMSClient({ endpoint: kms.url, region: kms.region, credentials })
    const { $metadata } = await client.send(new ListKeysCommand({}))
    expect($metadata.attempts).toBe(2)
  })

  it('a clock that is one hour off', async () => {
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
