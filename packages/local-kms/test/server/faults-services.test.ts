import { Sha256 } from '@aws-crypto/sha256-js'
import { SignatureV4 } from '@smithy/signature-v4'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startLocalKms, type Fault, type LocalKms } from '../../src/index.js'

interface ServiceRequest {
  /** The operation that the request calls. */
  operation: string
  method: string
  path: string
  headers?: Record<string, string>
  body?: string
  /** How the service answers a throttled call. */
  throttled: [status: number, error: string]
}

const json = (target: string) => ({
  method: 'POST',
  path: '/',
  headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': target },
  body: '{}',
})
const query = (action: string, version: string) => ({
  method: 'POST',
  path: '/',
  headers: { 'content-type': 'application/x-www-form-urlencoded' },
  body: `Action=${action}&Version=${version}`,
})

const SERVICES: Record<string, ServiceRequest> = {
  kms: {
    operation: 'ListKeys',
    ...json('TrentService.ListKeys'),
    throttled: [400, 'ThrottlingException'],
  },
  ssm: {
    operation: 'DescribeParameters',
    ...json('AmazonSSM.DescribeParameters'),
    throttled: [400, 'ThrottlingException'],
  },
  secretsmanager: {
    operation: 'ListSecrets',
    ...json('secretsmanager.ListSecrets'),
    throttled: [400, 'ThrottlingException'],
  },
  sts: {
    operation: 'GetCallerIdentity',
    ...query('GetCallerIdentity', '2011-06-15'),
    throttled: [400, '<Code>Throttling</Code>'],
  },
  iam: {
    operation: 'GetRole',
    ...query('GetRole&RoleName=app', '2010-05-08'),
    throttled: [400, '<Code>Throttling</Code>'],
  },
  ec2: {
    operation: 'DescribeVpcEndpoints',
    ...query('DescribeVpcEndpoints', '2016-11-15'),
    throttled: [503, '<Code>RequestLimitExceeded</Code>'],
  },
  lambda: {
    operation: 'ListFunctions',
    method: 'GET',
    path: '/2015-03-31/functions/',
    throttled: [429, 'TooManyRequestsException'],
  },
  s3: { operation: 'GetObject', method: 'GET', path: '', throttled: [503, 'SlowDown'] },
}

let kms: LocalKms
beforeEach(async () => {
  kms = await startLocalKms()
  kms.createRole({ name: 'app' })
})
afterEach(() => kms.close())

async function signed(service: string, request: Omit<ServiceRequest, 'operation' | 'throttled'>) {
  const url = new URL(kms.url)
  const { method, path, headers = {}, body } = request
  const { region, admin } = kms
  const { credentials } = admin
  const signer = new SignatureV4({
    credentials,
    region,
    service,
    sha256: Sha256,
    applyChecksum: false,
  })
  const unsigned = {
    method,
    protocol: url.protocol,
    hostname: url.hostname,
    path,
    query: {},
    headers: { ...headers, host: url.host },
    ...(body !== undefined && { body }),
  }
  const { headers: all } = await signer.sign(unsigned, {
    signingDate: new Date(Date.now() + kms.faults.clockOffsetMs),
  })
  const { host: _, ...sent } = all
  return {
    url: kms.url + path,
    init: { method, headers: sent, ...(body !== undefined && { body }) },
  }
}

/** Sends a valid request to a service. */
async function send(service: string): Promise<Response> {
  if (service !== 's3') {
    const { url, init } = await signed(service, SERVICES[service]!)
    return fetch(url, init)
  }
  kms.createFunction({ name: 'app', role: kms.admin.arn })
  const path = '/2015-03-31/functions/app'
  const { url, init } = await signed('lambda', { method: 'GET', path })
  const answer = (await (await fetch(url, init)).json()) as { Code: { Location: string } }
  return fetch(answer.Code.Location)
}

const names = Object.keys(SERVICES)
const inject = (service: string, fault: Fault) =>
  kms.faults.add({ ...fault, operation: `${service}:${SERVICES[service]!.operation}` })

describe.each(names)('faults of %s', (service) => {
  it('answers without a fault', async () => {
    expect((await send(service)).status).toBe(200)
  })

  it('throttles with the error of the service', async () => {
    inject(service, { kind: 'throttle', times: 1 })
    const answer = await send(service)
    const [status, error] = SERVICES[service]!.throttled
    expect(answer.status).toBe(status)
    expect([...answer.headers.values(), await answer.text()].join('\n')).toContain(error)
    expect((await send(service)).status).toBe(200)
  })

  it('answers any error with its status', async () => {
    inject(service, { kind: 'error', type: 'SomeException', status: 503, message: 'some message' })
    const answer = await send(service)
    expect(answer.status).toBe(503)
    const text = [...answer.headers.values(), await answer.text()].join('\n')
    expect(text).toContain('SomeException')
    expect(text).toContain('some message')
  })

  it.each(['before', 'during'] as const)('resets the connection %s the answer', async (when) => {
    inject(service, { kind: 'reset', when })
    await expect(send(service).then((answer) => answer.arrayBuffer())).rejects.toThrow()
    expect(kms.journal.at(-1)?.fault).toBe(`reset ${when}`)
  })

  it('resets the connection after a complete answer', async () => {
    inject(service, { kind: 'reset', when: 'after' })
    const answer = await send(service)
    expect(answer.status).toBe(200)
    await answer.arrayBuffer()
  })

  it('does not answer a call that hangs, until the server is closed', async () => {
    inject(service, { kind: 'hang' })
    let settled = false
    const answer = send(service).finally(() => {
      settled = true
    })
    answer.catch(() => {})
    await expect.poll(() => kms.journal.at(-1)?.fault).toBe('hang')
    await new Promise((resolve) => setImmediate(resolve))
    expect(settled).toBe(false)
    await kms.close()
    await expect(answer).rejects.toThrow()
  })

  it.each([
    ['empty', ''],
    ['malformed', '{"Plaintext": ]'],
    ['html', '<html>'],
  ] as const)('answers with a body that is %s', async (body, start) => {
    inject(service, { kind: 'body', body, status: 502 })
    const answer = await send(service)
    expect(answer.status).toBe(502)
    expect((await answer.text()).slice(0, start.length || 1)).toBe(start)
  })

  it('answers with half of the body', async () => {
    const { length } = Buffer.from(await (await send(service)).arrayBuffer())
    inject(service, { kind: 'body', body: 'truncated' })
    const half = Buffer.from(await (await send(service)).arrayBuffer())
    expect(Math.abs(half.length - length / 2)).toBeLessThanOrEqual(1)
  })

  it('answers with the time of its clock', async () => {
    inject(service, { kind: 'clock', offsetMs: 60_000 })
    const date = Date.parse((await send(service)).headers.get('date') ?? '')
    expect(date - Date.now()).toBeGreaterThan(30_000)
  })

  it('answers late', async () => {
    inject(service, { kind: 'latency', ms: 50 })
    const before = performance.now()
    await send(service)
    expect(performance.now() - before).toBeGreaterThanOrEqual(49)
    expect(kms.journal.at(-1)?.fault).toBe('latency 50 ms')
  })
})
