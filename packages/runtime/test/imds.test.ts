import { fromInstanceMetadata as sdkProvider } from '@smithy/credential-provider-imds'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { configure } from '../src/configure.js'
import { fromInstanceMetadata } from '../src/imds.js'
import { direct } from '../src/shim.js'
import { CONTEXT, PATIENT, useKms } from './world.js'

const world = useKms()
const ROLE_PATH = '/latest/meta-data/iam/security-credentials/'
let server: Server
let requests: IncomingMessage[]
let expiresIn: number
/** Overrides the answer to some paths. */
let answers: Record<string, { status?: number; body?: string; hang?: boolean }>

beforeEach(async () => {
  requests = []
  answers = {}
  expiresIn = 3_600_000
  // The instance metadata service, as far as IMDSv2 goes.
  server = createServer((request, response) => {
    requests.push(request)
    const { method, url = '', headers } = request
    const { status, body, hang } = answers[url] ?? {}
    if (hang) return
    if (status ?? body !== undefined) {
      response.writeHead(status ?? 200).end(body)
    } else if (url === '/latest/api/token') {
      const ok = method === 'PUT' && headers['x-aws-ec2-metadata-token-ttl-seconds']
      response.writeHead(ok ? 200 : 400).end(ok ? 'the token' : '')
    } else if (headers['x-aws-ec2-metadata-token'] !== 'the token') {
      response.writeHead(401).end()
    } else if (url === ROLE_PATH) {
      response.end('orders')
    } else {
      const { accessKeyId, secretAccessKey } = world.kms.admin.credentials
      response.end(
        JSON.stringify({
          Code: 'Success',
          AccessKeyId: accessKeyId,
          SecretAccessKey: secretAccessKey,
          Token: 'session',
          Expiration: new Date(Date.now() + expiresIn).toISOString(),
        }),
      )
    }
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  vi.stubEnv('AWS_EC2_METADATA_SERVICE_ENDPOINT', `http://127.0.0.1:${port}`)
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'false')
})
afterEach(() => {
  vi.unstubAllEnvs()
  configure({ credentials: undefined })
  server.closeAllConnections()
  server.close()
})

describe('fromInstanceMetadata', () => {
  it('returns what the AWS SDK returns', async () => {
    const { accessKeyId, secretAccessKey, sessionToken } = await sdkProvider()()
    expect(await fromInstanceMetadata()()).toMatchObject({
      accessKeyId,
      secretAccessKey,
      sessionToken,
    })
  })

  it('uses IMDSv2 only', async () => {
    await fromInstanceMetadata()()
    expect(requests.map(({ method, url }) => `${method} ${url}`)).toEqual([
      'PUT /latest/api/token',
      `GET ${ROLE_PATH}`,
      `GET ${ROLE_PATH}orders`,
    ])
    answers = { '/latest/api/token': { status: 403 } }
    await expect(fromInstanceMetadata()()).rejects.toThrow('PUT /latest/api/token answered 403')
    expect(requests).toHaveLength(4)
  })

  it('fetches once for many callers, and again with forceRefresh', async () => {
    const provider = fromInstanceMetadata()
    await Promise.all([provider(), provider()])
    await provider({ forceRefresh: false })
    expect(requests).toHaveLength(3)
    await provider({ forceRefresh: true })
    expect(requests).toHaveLength(6)
  })

  it('renews five minutes before they expire, and keeps the old ones if that fails', async () => {
    const provider = fromInstanceMetadata()
    expiresIn = 240_000
    const first = await provider()
    await provider()
    expect(requests).toHaveLength(6)
    answers = { '/latest/api/token': { status: 500 } }
    expect(await provider()).toMatchObject({ sessionToken: first.sessionToken })
    await expect(provider({ forceRefresh: true })).rejects.toThrow('answered 500')
  })

  it('reports an instance without a role, and the service being disabled, as final', async () => {
    answers = { [ROLE_PATH]: { status: 404 } }
    await expect(fromInstanceMetadata()()).rejects.toMatchObject({ code: 'CREDENTIALS_MISSING' })
    vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true')
    await expect(fromInstanceMetadata()()).rejects.toMatchObject({
      why: 'AWS_EC2_METADATA_DISABLED is set',
    })
  })

  it.each([
    'null',
    '[]',
    'no JSON',
    '{"Code":"Failed"}',
    '{"AccessKeyId":"A","SecretAccessKey":{"length":3e9},"Token":"t","Expiration":"2040-01-01T00:00:00Z"}',
  ])('rejects the answer %s without quoting it', async (body) => {
    answers = { [`${ROLE_PATH}orders`]: { body } }
    await expect(fromInstanceMetadata()()).rejects.toThrow(
      /^the instance metadata service returned no credentials \((undefined|Failed)\)$/,
    )
  })

  it('stops waiting for a service that does not answer, and names the hop limit', async () => {
    answers = { '/latest/api/token': { hang: true } }
    await expect(fromInstanceMetadata({ timeoutMs: 50 })()).rejects.toThrow(
      /no answer within 50 ms.*hop limit/,
    )
  })

  it('opens secrets, and its failures keep their code', async () => {
    configure({ credentials: fromInstanceMetadata() })
    const wrapped = await world.encrypt('hunter2')
    // The embedded KMS rejects a session token that it did not issue.
    const { accessKeyId, secretAccessKey } = world.kms.admin.credentials
    const body = { AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey, Token: '' }
    const Expiration = new Date(Date.now() + 3_600_000).toISOString()
    answers = { [`${ROLE_PATH}orders`]: { body: JSON.stringify({ ...body, Expiration }) } }
    expect(await direct([wrapped], CONTEXT, 'DB', undefined, PATIENT)).toBe('hunter2')

    configure({ credentials: fromInstanceMetadata() })
    answers = { [ROLE_PATH]: { status: 404 } }
    await expect(direct([wrapped], CONTEXT, 'DB', undefined, PATIENT)).rejects.toMatchObject({
      code: 'CREDENTIALS_MISSING',
      message: expect.stringContaining('the instance has no role'),
    })
  })
})
