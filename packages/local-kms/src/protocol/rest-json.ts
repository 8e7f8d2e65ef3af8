import type { AwsError } from '../errors.js'
import type { Answer } from './answer.js'
import { encodeJson } from './json.js'

/** The REST JSON protocol of Lambda. */
export const restAnswer = (output: unknown): Answer => answer(200, encodeJson(output))

/** The names and statuses that the same errors have in Lambda. */
const ERRORS: Readonly<Partial<Record<string, [type: string, status: number]>>> = {
  ThrottlingException: ['TooManyRequestsException', 429],
  AccessDeniedException: ['AccessDeniedException', 403],
  MissingAuthenticationTokenException: ['MissingAuthenticationTokenException', 403],
  IncompleteSignatureException: ['IncompleteSignatureException', 403],
  InvalidSignatureException: ['InvalidSignatureException', 403],
  UnrecognizedClientException: ['UnrecognizedClientException', 403],
  ExpiredTokenException: ['ExpiredTokenException', 403],
}

/** Errors whose message member is `message`; others have `Message`. */
const LOWER_CASE = new Set([
  'InvalidParameterValueException',
  'TooManyRequestsException',
  'ValidationException',
])

export function restError(error: AwsError): Answer {
  const [type, status] = ERRORS[error.type] ?? [error.type, error.status]
  const body = {
    Type: status >= 500 ? 'Service' : 'User',
    ...(type === 'TooManyRequestsException' && { Reason: 'CallerRateLimitExceeded' }),
    [LOWER_CASE.has(type) ? 'message' : 'Message']: error.message,
  }
  return { ...answer(status, body), headers: { 'x-amzn-ErrorType': type } }
}

/** The error document of S3. */
export function s3Error({ type, message, status }: AwsError): Answer {
  const [code, httpStatus] = type === 'ThrottlingException' ? ['SlowDown', 503] : [type, status]
  const xml =
    '<?xml version="1.0" encoding="UTF-8"?>\n' +
    `<Error><Code>${code}</Code><Message>${message}</Message></Error>`
  return { status: httpStatus, contentType: 'application/xml', body: Buffer.from(xml) }
}

const answer = (status: number, body: unknown): Answer => ({
  status,
  contentType: 'application/json',
  body: Buffer.from(JSON.stringify(body)),
})
