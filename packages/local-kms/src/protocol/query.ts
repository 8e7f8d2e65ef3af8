import { AwsError } from '../errors.js'
import type { Answer } from './answer.js'

const NAMESPACE = 'https://sts.amazonaws.com/doc/2011-06-15/'

/** The query protocol of STS: a form in the request, XML in the answer. */
export function xmlAnswer(operation: string, output: object, requestId: string): Answer {
  return answer(
    200,
    element(`${operation}Response`, {
      [`${operation}Result`]: output,
      ResponseMetadata: { RequestId: requestId },
    }),
  )
}

/** The names and statuses that the same refusals have in this protocol. */
const CODES: Readonly<Partial<Record<string, [code: string, status: number]>>> = {
  AccessDeniedException: ['AccessDenied', 403],
  MissingAuthenticationTokenException: ['MissingAuthenticationToken', 403],
  IncompleteSignatureException: ['IncompleteSignature', 400],
  InvalidSignatureException: ['SignatureDoesNotMatch', 403],
  UnrecognizedClientException: ['InvalidClientTokenId', 403],
  ExpiredTokenException: ['ExpiredToken', 403],
  ValidationException: ['ValidationError', 400],
  UnknownOperationException: ['InvalidAction', 400],
  MalformedPolicyDocumentException: ['MalformedPolicyDocument', 400],
  ThrottlingException: ['Throttling', 400],
}

export function xmlError(error: AwsError, requestId: string): Answer {
  const [Code, status] = CODES[error.type] ?? [error.type, error.status]
  return answer(
    status,
    element('ErrorResponse', {
      Error: { Type: status >= 500 ? 'Receiver' : 'Sender', Code, Message: error.message },
      RequestId: requestId,
    }),
  )
}

/** The form's fields; lists (`Tags.member.1.Key`) stay as they are. */
export const readForm = (body: Buffer): Record<string, string> =>
  Object.fromEntries(new URLSearchParams(body.toString('utf8')))

function answer(status: number, xml: string): Answer {
  const root = xml.replace('>', ` xmlns="${NAMESPACE}">`)
  return { status, contentType: 'text/xml', body: Buffer.from(`${root}\n`) }
}

function element(name: string, value: unknown): string {
  return `<${name}>${content(value)}</${name}>`
}

function content(value: unknown): string {
  if (value instanceof Date) return `${value.toISOString().slice(0, 19)}Z`
  if (value === null || typeof value !== 'object') return escape(String(value))
  return Object.entries(value)
    .filter(([, item]) => item !== undefined)
    .map(([name, item]) => element(name, item))
    .join('')
}

const escape = (text: string): string => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`)
