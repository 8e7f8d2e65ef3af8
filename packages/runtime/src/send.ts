import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http'
import { request as https } from 'node:https'
import type { Failure } from './error.js'

/**
 * One request: a POST if there is content. Gives the answer's JSON, or its text if it is none, and the
 * answer itself; rejects when the connection fails. Plain http goes to loopback and to `trusted` hosts alone, and
 * node:http is loaded only for it: as an ES module it brings undici with it, a third of a cold start.
 */
export async function send(
  url: URL,
  headers: OutgoingHttpHeaders,
  signal: AbortSignal,
  trusted?: string[],
  content?: string,
): Promise<[any, IncomingMessage]> {
  const { hostname, protocol } = url
  let request = https
  if (protocol !== 'https:') {
    if (!/^(localhost|127\.[\d.]+|\[::1])$/.test(hostname) && !trusted?.includes(hostname)) {
      throw {
        code: 'ENDPOINT_INSECURE',
        why: `${protocol}//${hostname} is not https`,
      } satisfies Failure
    }
    request = (await import('node:http')).request
  }
  return new Promise((resolve, reject) => {
    const respond = (answer: IncomingMessage) => {
      let body: any = ''
      // Events: the stream's newer ways to read cost 2 ms at their first use.
      answer
        .setEncoding('utf8')
        .on('data', (part) => (body += part))
        .on('end', () => {
          // V8's own error would quote the text, which may hold the plaintext.
          try {
            body = JSON.parse(body)
          } catch {}
          resolve([body, answer])
        })
        .on('error', reject)
    }
    request(url, { method: content ? 'POST' : 'GET', headers, signal }, respond)
      .on('error', reject)
      // Left to itself, node would close the connection and say nothing.
      .on('upgrade', (answer, socket) => {
        socket.destroy()
        resolve(['', answer])
      })
      .end(content)
  })
}
