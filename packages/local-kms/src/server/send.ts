import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { Answer } from '../protocol/answer.js'
import type { Fault } from './faults.js'
import type { HandledRequest } from './handle.js'

/** Sends an answer, after applying a fault. */
export function send(
  res: ServerResponse,
  { answer, requestId, applied: { fault } }: HandledRequest,
  now: number,
): void {
  const { socket } = res
  if (socket === null || fault?.kind === 'hang') return
  if (fault?.kind === 'reset' && fault.when === 'before') {
    reset(socket)
    return
  }
  const { status, contentType, body, headers } =
    fault?.kind === 'body' ? invalidate(answer, fault) : answer
  // Use the service's clock, which a fault can change, not the system's.
  res.sendDate = false
  res.writeHead(status, {
    'x-amzn-RequestId': requestId,
    'Cache-Control': 'no-cache, no-store, must-revalidate, private',
    Expires: '0',
    Pragma: 'no-cache',
    Date: new Date(now).toUTCString(),
    ...headers,
    'Content-Type': contentType,
    'Content-Length': body.length,
  })
  if (fault?.kind === 'reset' && fault.when === 'during') {
    res.write(body.subarray(0, body.length / 2), () => reset(socket))
  } else if (fault?.kind === 'reset') {
    res.end(body, () => reset(socket))
  } else {
    res.end(body)
  }
}

function invalidate(answer: Answer, { body: how, status }: Fault & { kind: 'body' }): Answer {
  const invalid = { ...answer, status: status ?? answer.status }
  switch (how) {
    case 'truncated':
      return { ...invalid, body: answer.body.subarray(0, answer.body.length / 2) }
    case 'malformed':
      return { ...invalid, body: Buffer.from('{"Plaintext": ]') }
    case 'empty':
      return { ...invalid, body: Buffer.alloc(0) }
    case 'html':
      return {
        ...invalid,
        contentType: 'text/html',
        body: Buffer.from('<html><body><h1>Service Unavailable</h1></body></html>\n'),
      }
  }
}

/** Resets a TCP connection with RST. Closes a TLS connection without close_notify. */
function reset(socket: Socket): void {
  if (socket instanceof TLSSocket) socket.destroy()
  else socket.resetAndDestroy()
}
