import { Sha256 } from '@aws-crypto/sha256-js'
import { SignatureV4 } from '@smithy/signature-v4'
import { request as httpRequest, type Agent } from 'node:http'
import type { Credentials, LocalKms } from '../src/index.js'

export interface CallOptions {
  credentials?: Credentials
  region?: string
  /** The signing name. Default: the service of the operation. */
  service?: string
  /** Milliseconds since 1970. Default: now. */
  signedAt?: number
  /** Changes the signed request. */
  tamper?: (request: WireRequest) => void
  agent?: Agent
  /** The Host header. Default: the endpoint's. */
  host?: string
}

export interface WireRequest {
  headers: Record<string, string>
  body: string
}

/** Any member of an answer. */
export type Json = ReturnType<typeof JSON.parse>

export interface WireAnswer {
  status: number
  type: string | undefined
  body: Record<string, Json>
  text: string
  headers: Record<string, string | string[] | undefined>
}

const TARGETS: Record<string, string> = {
  kms: 'TrentService',
  ssm: 'AmazonSSM',
  secretsmanager: 'secretsmanager',
}

/**
 * Sends one request, signed with a published signer, and returns the raw answer without a client of
 * the service. `operation` is `Encrypt` (of KMS) or `ssm:GetParameter`.
 */
export async function call(
  kms: LocalKms,
  operation: string,
  input: object | string = {},
  options: CallOptions = {},
): Promise<WireAnswer> {
  const [name = '', service = 'kms'] = operation.split(':').toReversed()
  const request: WireRequest = {
    headers: {
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': `${TARGETS[service]}.${name}`,
    },
    body: typeof input === 'string' ? input : JSON.stringify(input),
  }
  return send(kms, await sign(kms, request, { service, ...options }), options)
}

async function sign(
  kms: LocalKms,
  request: WireRequest,
  {
    credentials = kms.admin.credentials,
    region = kms.region,
    service = 'kms',
    signedAt,
    tamper,
    host,
  }: CallOptions,
): Promise<WireRequest> {
  const url = new URL(kms.url)
  const signer = new SignatureV4({
    credentials,
    region,
    service,
    sha256: Sha256,
    applyChecksum: false,
  })
  const signed = await signer.sign(
    {
      method: 'POST',
      protocol: url.protocol,
      hostname: url.hostname,
      path: '/',
      query: {},
      headers: { ...request.headers, host: host ?? url.host },
      body: request.body,
    },
    { signingDate: new Date(signedAt ?? Date.now()) },
  )
  const wire = { headers: signed.headers, body: request.body }
  tamper?.(wire)
  return wire
}

export function send(
  kms: LocalKms,
  { headers, body }: WireRequest,
  { agent }: CallOptions = {},
): Promise<WireAnswer> {
  return new Promise((resolve, reject) => {
    const options = { method: 'POST', headers, ...(agent && { agent }) }
    const req = httpRequest(kms.url, options, (res) => {
      const chunks: Buffer[] = []
      res.on('data', (chunk: Buffer) => chunks.push(chunk))
      res.on('error', reject)
      res.on('end', () => {
        const text = Buffer.concat(chunks).toString()
        const parsed = readJson(text)
        const type = parsed['__type'] as string | undefined
        resolve({ status: res.statusCode ?? 0, type, body: parsed, text, headers: res.headers })
      })
    })
    req.on('error', reject)
    req.end(body)
  })
}

function readJson(text: string): Record<string, Json> {
  try {
    // Some emulators answer `null` where KMS has an empty body.
    return (JSON.parse(text) ?? {}) as Record<string, Json>
  } catch {
    return {}
  }
}

/** Sends a request, and returns the body. Fails for any status except 200. */
export async function succeed(...args: Parameters<typeof call>): Promise<Record<string, Json>> {
  const answer = await call(...args)
  if (answer.status !== 200) throw new Error(`${args[1]}: ${answer.status} ${answer.text}`)
  return answer.body
}

export const base64 = (text: string | Buffer): string => Buffer.from(text).toString('base64')
