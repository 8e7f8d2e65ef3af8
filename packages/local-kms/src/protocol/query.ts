import { AwsError } from '../errors.js'
import type { Answer } from './answer.js'

/** The XML of a service of the query protocol (form in the request, XML in the answer). */
interface Dialect {
  namespace: string
  /** The element of a list item. */
  item: string
  answer: (operation: string, output: object, requestId: string) => object
  error: (error: object, requestId: string) => [root: string, content: object]
  /** Error names of this service only. */
  codes?: typeof CODES
}

const QUERY: Omit<Dialect, 'namespace'> = {
  item: 'member',
  answer: (operation, output, RequestId) => ({
    [`${operation}Result`]: output,
    ResponseMetadata: { RequestId },
  }),
  error: (Error, RequestId) => ['ErrorResponse', { Error, RequestId }],
}

/** By the API version, which every request of this protocol contains. */
const DIALECTS: Readonly<Partial<Record<string, Dialect>>> = {
  '2010-05-08': { ...QUERY, namespace: 'https://iam.amazonaws.com/doc/2010-05-08/' },
  '2016-11-15': {
    namespace: 'http://ec2.amazonaws.com/doc/2016-11-15/',
    item: 'item',
    answer: (_, output, requestId) => ({ requestId, ...output }),
    error: (Error, RequestID) => ['Response', { Errors: { Error }, RequestID }],
    codes: {
      AccessDeniedException: ['UnauthorizedOperation', 403],
      ThrottlingException: ['RequestLimitExceeded', 503],
    },
  },
}
const STS: Dialect = { ...QUERY, namespace: 'https://sts.amazonaws.com/doc/2011-06-15/' }

const dialectOf = ({ Version }: Form): Dialect => DIALECTS[fieldOf(Version)] ?? STS

/** Returns a field of a form; empty if it is missing or not a string. */
export const fieldOf = (value: Form[string] | undefined): string =>
  typeof value === 'string' ? value : ''

export function xmlAnswer(form: Form, output: object, requestId: string): Answer {
  const dialect = dialectOf(form)
  const operation = fieldOf(form['Action'])
  return answer(200, dialect, `${operation}Response`, dialect.answer(operation, output, requestId))
}

/** The names and statuses that the same errors have in this protocol. */
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

export function xmlError(form: Form, error: AwsError, requestId: string): Answer {
  const dialect = dialectOf(form)
  const codes = { ...CODES, ...dialect.codes }
  const [Code, status] = codes[error.type] ?? [error.type, error.status]
  const Type = status >= 500 ? 'Receiver' : 'Sender'
  const [root, body] = dialect.error({ Type, Code, Message: error.message }, requestId)
  return answer(status, dialect, root, body)
}

/** A parsed form. `ContextEntries.member.1.Key` is the member `Key` of the first list item. */
export interface Form {
  [name: string]: string | Form | (string | Form)[]
}

const LONGEST_LIST = 1000

export function readForm(body: Buffer): Form {
  const form = Object.create(null) as Form
  for (const [path, value] of new URLSearchParams(body.toString('utf8'))) {
    const [first = '', ...rest] = path.split('.').filter((part) => part !== 'member')
    put(form, first, rest, value)
  }
  return form
}

function put(into: Record<string, unknown>, name: string, rest: string[], value: string): void {
  const key = Array.isArray(into) ? String(Number(name) - 1) : name
  const [next, ...further] = rest
  if (next === undefined) {
    into[key] = value
    return
  }
  const isList = /^[1-9]\d*$/.test(next) && Number(next) <= LONGEST_LIST
  into[key] ??= isList ? [] : Object.create(null)
  // Ignore a field that uses one name both as a list and as a structure or value.
  if (typeof into[key] !== 'object' || Array.isArray(into[key]) !== isList) return
  put(into[key] as Record<string, unknown>, next, further, value)
}

function answer(status: number, dialect: Dialect, root: string, body: object): Answer {
  const xml = `<${root} xmlns="${dialect.namespace}">${content(body, dialect.item)}</${root}>\n`
  return { status, contentType: 'text/xml', body: Buffer.from(xml) }
}

function content(value: unknown, item: string): string {
  if (value instanceof Date) return `${value.toISOString().slice(0, 19)}Z`
  if (value === null || typeof value !== 'object') return escape(String(value))
  const members: [string, unknown][] = Array.isArray(value)
    ? value.map((member) => [item, member])
    : Object.entries(value)
  return members
    .filter(([, member]) => member !== undefined)
    .map(([name, member]) => `<${name}>${content(member, item)}</${name}>`)
    .join('')
}

const escape = (text: string): string => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`)
