import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { REGION_PATTERN } from '../arn.js'
import { AwsError } from '../errors.js'

/** A signed request. Header names are in lower case, repeated headers are lists. */
export interface SignedRequest {
  method: string
  /** The path and query, as sent. */
  target: string
  headers: Readonly<Record<string, string | string[] | undefined>>
  body: Buffer
}

export interface Authorization {
  accessKeyId: string
  region: string
  sessionToken: string | undefined
  /** Checks whether the request was signed with this secret access key. */
  verify: (secretAccessKey: string) => boolean
}

const ALGORITHM = 'AWS4-HMAC-SHA256'
const MAX_SKEW_MS = 15 * 60_000

/**
 * Parses a Signature Version 4 `Authorization` header, and checks everything except the signature, in
 * the order of AWS's services.
 *
 * @param service the signing name the credential must be scoped to: `kms`, `ssm`, …
 * @param now milliseconds since 1970 by the service's clock
 * @throws AwsError MissingAuthenticationToken-, IncompleteSignature- or InvalidSignatureException
 */
export function readAuthorization(
  request: SignedRequest,
  service: string,
  now: number,
): Authorization {
  const header = single(request, 'authorization')
  if (header === undefined || !header.trimStart().startsWith('AWS4-')) {
    throw new AwsError('MissingAuthenticationTokenException', 'Missing Authentication Token')
  }
  const fields = readFields(header)
  const timestamp = single(request, 'x-amz-date') ?? httpDate(single(request, 'date'))
  const missing = ['Credential', 'Signature', 'SignedHeaders']
    .filter((name) => !fields.values.has(name))
    .map((name) => `Authorization header requires '${name}' parameter. `)
  if (timestamp === undefined) {
    missing.push(
      "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ",
    )
  }
  if (missing.length > 0) incomplete(`${missing.join('')}Authorization=${redact(header)}`)

  checkDate(timestamp as string, now)
  const signedHeaders = (fields.values.get('SignedHeaders') as string).split(';')
  checkSignedHeaders(request, signedHeaders)
  if (fields.algorithm !== ALGORITHM) {
    incomplete(`Unsupported AWS 'algorithm': '${fields.algorithm}' (only ${ALGORITHM} for now). `)
  }
  const scope = readScope(fields.values.get('Credential') as string, service, timestamp as string)
  const signature = Buffer.from(fields.values.get('Signature') as string)

  return {
    accessKeyId: scope.accessKeyId,
    region: scope.region,
    sessionToken: single(request, 'x-amz-security-token'),
    verify: (secretAccessKey) => {
      const text = stringToSign(request, signedHeaders, timestamp as string, scope.text)
      const expected = Buffer.from(sign(secretAccessKey, scope.text, text))
      return expected.length === signature.length && timingSafeEqual(expected, signature)
    },
  }
}

function readFields(header: string): { algorithm: string; values: Map<string, string> } {
  const [algorithm = '', ...rest] = header.trim().split(/\s+/)
  const values = new Map<string, string>()
  for (const pair of rest.join(' ').split(',')) {
    const at = pair.indexOf('=')
    if (at < 0) {
      incomplete(
        `'${redact(pair.trim())}' not a valid key=value pair (missing equal-sign) in ` +
          `Authorization header: '${redact(header)}'.`,
      )
    }
    values.set(pair.slice(0, at).trim(), pair.slice(at + 1).trim())
  }
  return { algorithm, values }
}

function checkDate(timestamp: string, now: number): void {
  const signedAt = readTimestamp(timestamp)
  if (signedAt === undefined) {
    incomplete(
      `Date must be in ISO-8601 'basic format'. Got '${timestamp}'. ` +
        'See http://en.wikipedia.org/wiki/ISO_8601',
    )
  }
  const earliest = now - MAX_SKEW_MS
  const latest = now + MAX_SKEW_MS
  if (signedAt < earliest) {
    invalid(
      `Signature expired: ${timestamp} is now earlier than ${formatTimestamp(earliest)} ` +
        `(${formatTimestamp(now)} - 15 min.)`,
    )
  }
  if (signedAt > latest) {
    invalid(
      `Signature not yet current: ${timestamp} is still later than ${formatTimestamp(latest)} ` +
        `(${formatTimestamp(now)} + 15 min.)`,
    )
  }
}

function checkSignedHeaders(request: SignedRequest, signed: string[]): void {
  if (!signed.includes('host')) {
    invalid("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
  }
  for (const name of Object.keys(request.headers)) {
    if (name.startsWith('x-amz-') && !signed.includes(name)) {
      invalid(`'${name}' must be a 'SignedHeader' in the AWS Authorization.`)
    }
  }
}

function readScope(
  credential: string,
  service: string,
  timestamp: string,
): { accessKeyId: string; region: string; text: string } {
  const parts = credential.split('/')
  if (parts.length !== 5) {
    incomplete(
      'Credential must have exactly 5 slash-delimited elements, e.g. ' +
        `keyid/date/region/service/term, got '${credential}'`,
    )
  }
  const [accessKeyId, date, region, scopedService, term] = parts as [
    string,
    string,
    string,
    string,
    string,
  ]
  const wrong: string[] = []
  if (!REGION_PATTERN.test(region)) wrong.push('Credential should be scoped to a valid region. ')
  if (scopedService !== service) {
    wrong.push(`Credential should be scoped to correct service: '${service}'. `)
  }
  if (term !== 'aws4_request') {
    wrong.push(
      `Credential should be scoped with a valid terminator: 'aws4_request', not '${term}'. `,
    )
  }
  if (date !== timestamp.slice(0, 8)) {
    wrong.push(
      'Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: ' +
        `'${date}' != '${timestamp.slice(0, 8)}', from '${timestamp}'. `,
    )
  }
  if (wrong.length > 0) invalid(wrong.join(''))
  return { accessKeyId, region, text: [date, region, service, 'aws4_request'].join('/') }
}

function stringToSign(
  request: SignedRequest,
  signedHeaders: string[],
  timestamp: string,
  scope: string,
): string {
  const headers = signedHeaders.map((name) => {
    const value = request.headers[name] ?? ''
    const values = (Array.isArray(value) ? value : [value]).map((v) => v.trim().replace(/ +/g, ' '))
    return `${name}:${values.join(',')}\n`
  })
  const [path = '', query = ''] = request.target.split('?', 2)
  const canonical = [
    request.method,
    path.split('/').map(encode).join('/'),
    canonicalQuery(query),
    headers.join(''),
    signedHeaders.join(';'),
    sha256(request.body),
  ].join('\n')
  return [ALGORITHM, timestamp, scope, sha256(canonical)].join('\n')
}

function canonicalQuery(query: string): string {
  const pairs = [...new URLSearchParams(query)].map(
    ([name, value]) => [encode(name), encode(value)] as const,
  )
  pairs.sort(([a, x], [b, y]) => (a === b ? compare(x, y) : compare(a, b)))
  return pairs.map((pair) => pair.join('=')).join('&')
}

const compare = (a: string, b: string): number => (a < b ? -1 : Number(a > b))

/** Percent-encodes a string. Signature Version 4 encodes the path again, as it was sent. */
const encode = (segment: string): string =>
  encodeURIComponent(segment).replace(
    /[!'()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  )

function sign(secretAccessKey: string, scope: string, text: string): string {
  const key = scope
    .split('/')
    .reduce<Buffer | string>((k, part) => hmac(k, part), `AWS4${secretAccessKey}`)
  return hmac(key, text).toString('hex')
}

const hmac = (key: Buffer | string, text: string): Buffer =>
  createHmac('sha256', key).update(text).digest()

const sha256 = (data: Buffer | string): string => createHash('sha256').update(data).digest('hex')

function single(request: SignedRequest, name: string): string | undefined {
  const value = request.headers[name]
  return Array.isArray(value) ? value.join(',') : value
}

function readTimestamp(text: string): number | undefined {
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text)
  if (match === null) return undefined
  const [, year, month, day, hour, minute, second] = match
  const time = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
  return Number.isNaN(time) ? undefined : time
}

const formatTimestamp = (time: number): string =>
  new Date(time).toISOString().replace(/[-:]|\.\d{3}/g, '')

function httpDate(text: string | undefined): string | undefined {
  const time = Date.parse(text ?? '')
  return Number.isNaN(time) ? undefined : formatTimestamp(time)
}

/** Removes the signature from a message, because messages are logged. */
const redact = (header: string): string => header.replace(/Signature=[0-9a-fA-F]+/g, 'Signature=…')

function incomplete(message: string): never {
  throw new AwsError('IncompleteSignatureException', message)
}

function invalid(message: string): never {
  throw new AwsError('InvalidSignatureException', message)
}
