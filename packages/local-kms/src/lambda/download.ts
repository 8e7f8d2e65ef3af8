import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Code } from '../account/lambda-function.js'
import { parseArn } from '../arn.js'
import { AwsError } from '../errors.js'
import type { Answer } from '../protocol/answer.js'
import type { Call } from '../protocol/call.js'
import { required, string } from '../protocol/schema.js'
import { operation, type Operations } from '../protocol/service.js'
import { readCode } from './code.js'

const EXPIRES_SECONDS = 600
const SIGNING_KEY = randomBytes(32)

/** The path of a deployment package: its resource, then its version. */
const PATH = '/snapshots/'

/**
 * Returns a URL of this server that serves the code for ten minutes, like the presigned S3 URLs of
 * Lambda.
 *
 * @param arn a qualified function ARN or a layer version ARN
 */
export function presign(call: Call, arn: string): string {
  const path = `${PATH}${encodeURIComponent(arn)}`
  const date = new Date(call.now).toISOString().replace(/[-:]|\.\d{3}/g, '')
  const query = new URLSearchParams({
    'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
    'X-Amz-Date': date,
    'X-Amz-SignedHeaders': 'host',
    'X-Amz-Expires': String(EXPIRES_SECONDS),
    'X-Amz-Credential': `${call.caller.userId.replace(/:.*/, '')}/${date.slice(0, 8)}/${call.region}/s3/aws4_request`,
    'X-Amz-Signature': sign(path, date),
  })
  return `${call.origin}${path}?${query.toString()}`
}

const sign = (path: string, date: string): string =>
  createHmac('sha256', SIGNING_KEY).update(`${path}\n${date}`).digest('hex')

/** Serves the code at a presigned URL. */
const GetObject = operation(
  {
    path: required(string()),
    'X-Amz-Date': string(),
    'X-Amz-Signature': string(),
    range: string(),
  },
  (call, input): Answer => {
    const { path, 'X-Amz-Date': date = '', 'X-Amz-Signature': signature = '' } = input
    const expected = Buffer.from(sign(path, date))
    const given = Buffer.from(signature)
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
      throw forbidden(
        'SignatureDoesNotMatch',
        'The request signature we calculated does not match the signature you provided.',
      )
    }
    const signedAt = Date.parse(date.replace(/^(....)(..)(..T..)(..)(..Z)$/, '$1-$2-$3:$4:$5'))
    if (call.now > signedAt + EXPIRES_SECONDS * 1000) {
      throw forbidden('AccessDenied', 'Request has expired')
    }
    const arn = decodeURIComponent(path.slice(PATH.length))
    call.entry.resource = arn
    return answer(readCode(findCode(call, arn)), input.range)
  },
)

export const s3Operations = { GetObject } satisfies Operations

const forbidden = (type: string, message: string): AwsError =>
  new AwsError(type, message, { status: 403 })

/** @throws AwsError NoSuchKey if the function or layer was deleted */
function findCode({ account }: Call, arn: string): Code | undefined {
  const layer = account.layers.get(arn)
  if (layer !== undefined) return layer.code
  const at = arn.lastIndexOf(':')
  const version = arn.slice(at + 1)
  const found = account.functions.get(arn.slice(0, at))
  const code =
    version === '$LATEST' ? found?.latest : found?.published.find((one) => one.version === version)
  if (code !== undefined && parseArn(arn) !== undefined) return code.code
  throw new AwsError('NoSuchKey', 'The specified key does not exist.', { status: 404 })
}

/** Answers with the bytes, or with a range of them: `bytes=0-99`, `bytes=100-`, `bytes=-22`. */
function answer(bytes: Buffer, range: string | undefined): Answer {
  const contentType = 'application/zip'
  const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(range ?? '') ?? []
  const headers = { 'Accept-Ranges': 'bytes' }
  if (first === undefined || last === undefined || first + last === '') {
    return { status: 200, contentType, headers, body: bytes }
  }
  const start = first === '' ? Math.max(0, bytes.length - Number(last)) : Number(first)
  const end = first === '' || last === '' ? bytes.length : Math.min(bytes.length, Number(last) + 1)
  if (start >= bytes.length || end <= start) {
    throw new AwsError('InvalidRange', 'The requested range is not satisfiable', { status: 416 })
  }
  return {
    status: 206,
    contentType,
    headers: { ...headers, 'Content-Range': `bytes ${start}-${end - 1}/${bytes.length}` },
    body: bytes.subarray(start, end),
  }
}
