import { AwsError } from '../errors.js'
import type { Answer } from './answer.js'

/** The AWS JSON 1.1 protocol: blobs as base64, times as seconds since 1970. */
export function jsonAnswer(output: unknown): Answer {
  return answer(200, output === undefined ? undefined : encodeJson(output))
}

/** Returns an error. The name of its message member depends on the service. */
export function jsonError(error: AwsError, service: string): Answer {
  const field = service === 'secretsmanager' ? 'Message' : error.messageField
  return answer(error.status, {
    __type: error.type,
    ...(error.message !== '' && { [field]: error.message }),
  })
}

/** @throws AwsError SerializationException */
export function readJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    throw new AwsError('SerializationException')
  }
}

/** An operation without output answers an empty body. */
function answer(status: number, body: unknown): Answer {
  return {
    status,
    contentType: 'application/x-amz-json-1.1',
    body: Buffer.from(body === undefined ? '' : JSON.stringify(body)),
  }
}

/** Encodes blobs as base64 and times as seconds since 1970. */
export function encodeJson(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  if (value instanceof Date) return value.getTime() / 1000
  if (Array.isArray(value)) return value.map(encodeJson)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, encodeJson(item)]))
}
