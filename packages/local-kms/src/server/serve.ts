import { createServer as createHttp, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createHttps } from 'node:https'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { handle, type Endpoint, type HandledRequest } from './handle.js'
import { send } from './send.js'

/** Larger than any valid request. KMS also limits the size of requests. */
const MAX_BODY_BYTES = 1_048_576

export interface Listener {
  readonly port: number
  close(): Promise<void>
}

export async function serve(
  endpoint: Endpoint,
  {
    host,
    port,
    tls,
  }: {
    host: string
    port: number
    tls?: { key: string | Buffer; cert: string | Buffer } | undefined
  },
): Promise<Listener> {
  const closing = new AbortController()
  const onRequest = (req: IncomingMessage, res: ServerResponse): void => {
    respond(endpoint, req, res, tls !== undefined, closing.signal).catch(() => res.destroy())
  }
  const server = tls === undefined ? createHttp(onRequest) : createHttps(tls, onRequest)
  // Keep idle connections open: closing one while a client reuses it would break the call.
  server.keepAliveTimeout = 60_000
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        closing.abort()
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function respond(
  endpoint: Endpoint,
  req: IncomingMessage,
  res: ServerResponse,
  secureTransport: boolean,
  closing: AbortSignal,
): Promise<void> {
  const body = await readBody(req)
  if (body === undefined) {
    res.writeHead(413, { connection: 'close' }).end()
    return
  }
  const handled: HandledRequest = await handle(endpoint, {
    method: req.method ?? '',
    target: req.url ?? '',
    headers: req.headers,
    body,
    sourceIp: req.socket.remoteAddress?.replace(/^::ffff:/, '') ?? '',
    secureTransport,
  })
  const { latencyMs, clockMs } = handled.applied
  if (latencyMs > 0) await delay(latencyMs, undefined, { signal: closing })
  send(res, handled, endpoint.faults.now() + clockMs)
}

async function readBody(req: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of req as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > MAX_BODY_BYTES) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
