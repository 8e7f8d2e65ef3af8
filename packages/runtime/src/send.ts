import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http'
import type { Failure } from './error.js'
import { shared } from './shared.js'

/**
 * Sends one request, a POST if there is content. Returns the JSON answer, or its text if it is not
 * JSON, and the response. Rejects if the connection fails. Plain http is allowed to
 * local hosts and to `insecureHosts`, and never uses a proxy. node:http is not imported: as an ES
 * module it loads undici, a third of a cold start, and `import()` does not work inside `vm`.
 */
export async function send(
  url: URL,
  headers: OutgoingHttpHeaders | undefined,
  signal: AbortSignal,
  content?: string,
  insecureHosts?: string[],
): Promise<[any, IncomingMessage]> {
  const { hostname, protocol } = url
  const isHttps = protocol === 'https:'
  if (
    !isHttps &&
    // Loopback, and the link-local hosts of AWS's container credentials: ECS, EKS, EKS on IPv6.
    !/^(localhost|127\.[\d.]+|\[(::1|fd00:ec2::23)]|169\.254\.170\.23?)$/.test(hostname) &&
    !insecureHosts?.includes(hostname)
  ) {
    throw {
      code: 'ENDPOINT_INSECURE',
      why: `${protocol}//${hostname} is not https`,
    } satisfies Failure
  }
  return new Promise((resolve, reject) => {
    // If an answer changes protocols, node closes the connection without an error.
    // oxlint-disable-next-line unicorn/prefer-add-event-listener -- shorter
    signal.onabort = reject
    process
      .getBuiltinModule(protocol.slice(0, -1) as 'http')
      .request(
        url,
        { agent: isHttps && shared().agent, method: content && 'POST', headers, signal },
        (answer) => {
          let body: any = ''
          // Events: the stream's newer ways to read cost 2 ms at their first use.
          answer
            .on('data', (part) => (body += part))
            .on('end', () => {
              // V8's own error would quote the text, which may contain the plaintext.
              try {
                body = JSON.parse(body)
              } catch {}
              resolve([body, answer])
            })
            .on('error', reject)
        },
      )
      .on('error', reject)
      .end(content)
  })
}
