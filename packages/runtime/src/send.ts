import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http'
import { request as https } from 'node:https'
import type { Failure } from './error.js'

/**
 * One request: a POST if there is a body. Gives the answer and its JSON, {} for what is no JSON;
 * rejects when the connection fails. Plain http goes to loopback and to `trusted` hosts alone, and
 * node:http is loaded only for it: as an ES module it brings undici with it, a third of a cold start.
 */
export async function send(
  url: URL,
  headers: OutgoingHttpHeaders,
  signal: AbortSignal,
  trusted: string[] = [],
  body?: string,
): Promise<[any, IncomingMessage]> {
  if (!/^http(s|:\/\/(localhost|127\.[\d.]+|\[::1])(:|$))/.test(url.origin) && !trusted.includes(url.hostname)) {
    throw { code: 'ENDPOINT_INSECURE', reason: `${url.origin} is not https` } satisfies Failure
  }
  const request = url.protocol === 'http:' ? (await import('node:http')).request : https
  const answer = await new Promise<IncomingMessage>((resolve, reject) =>
    request(url, { method: body ? 'POST' : 'GET', headers, signal }, resolve).on('error', reject).end(body),
  )
  const text = Buffer.concat(await answer.toArray()).toString()
  try {
    return [JSON.parse(text), answer]
  } catch {
    // V8's error quotes the text, which may hold the plaintext.
    return [{}, answer]
  }
}
