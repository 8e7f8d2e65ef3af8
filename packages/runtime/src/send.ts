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
  trusted?: string[],
  body?: string,
): Promise<[any, IncomingMessage]> {
  const { hostname, origin } = url
  let request = https
  if (url.protocol !== 'https:') {
    if (!/^(localhost|127\.[\d.]+|\[::1])$/.test(hostname) && !trusted?.includes(hostname)) {
      throw { code: 'ENDPOINT_INSECURE', why: origin + ' is not https' } satisfies Failure
    }
    request = (await import('node:http')).request
  }
  return new Promise((resolve, reject) => {
    const respond = (answer: IncomingMessage) => {
      let text = ''
      // Events: the stream's newer ways to read cost 2 ms at their first use.
      answer
        .setEncoding('utf8')
        .on('data', (part) => (text += part))
        .on('end', () => resolve([parse(text), answer]))
        .on('error', reject)
    }
    request(url, { method: body ? 'POST' : 'GET', headers, signal }, respond)
      .on('error', reject)
      .end(body)
  })
}

/** V8's own error would quote the text, which may hold the plaintext. */
function parse(text: string) {
  try {
    return JSON.parse(text)
  } catch {
    return {}
  }
}
