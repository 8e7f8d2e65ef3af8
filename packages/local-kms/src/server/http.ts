import type { IncomingHttpHeaders } from 'node:http'

/** A request as the listener received it. */
export interface HttpRequest {
  method: string
  /** Path and query, as sent. */
  target: string
  headers: IncomingHttpHeaders
  body: Buffer
  sourceIp: string
  secureTransport: boolean
}
