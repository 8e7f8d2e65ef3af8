import { once } from 'node:events'
import type { IncomingMessage, RequestOptions } from 'node:http'
import { request as https } from 'node:https'
import { fail } from './error.js'

/**
 * One request and its answer's JSON, or {} for what is no JSON. Rejects if the connection fails.
 * Plain http goes to loopback and to `trusted` hosts alone. node:http is loaded only for that: as
 * an ES module it brings undici with it, a quarter of a cold start.
 */
export async function send(url: URL, options: RequestOptions, body: string, trusted: string[] = []): Promise<[IncomingMessage, any]> {
  let request = https
  if (url.protocol !== 'https:') {
    if (!/^(localhost|127\.[\d.]+|\[::1])$/.test(url.hostname) && !trusted.includes(url.hostname)) {
      fail('ENDPOINT_INSECURE', `${url.origin} is not https`)
    }
    request = (await import('node:http')).request
  }
  const sent = request(url, options)
  sent.on('error', () => {}).end(body)
  const [answer] = (await once(sent, 'response')) as [IncomingMessage]
  let text = ''
  for await (const part of answer.setEncoding('utf8')) text += part
  try {
    return [answer, JSON.parse(text)]
  } catch {
    return [answer, {}]
  }
}
