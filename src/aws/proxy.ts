import type { Agent } from 'node:https'

type Environment = Record<string, string | undefined>

/** A proxy, and the variable that names it. */
export interface Proxy {
  url: URL
  variable: string
}

/**
 * Returns the proxy for a URL by the rules of the AWS CLI: HTTPS_PROXY or HTTP_PROXY by the URL's
 * scheme, the lower-case name first, unless NO_PROXY lists the host or a parent domain.
 */
export function proxyFor(target: URL, env: Environment = process.env): Proxy | undefined {
  const name = `${target.protocol.slice(0, -1)}_proxy`
  const variable = [name, name.toUpperCase()].find((one) => env[one] !== undefined)
  const value = variable && env[variable]
  if (!value || isExcepted(target, env.no_proxy ?? env.NO_PROXY ?? '')) return undefined
  const text = /^[a-z][a-z0-9+.-]*:\/\//i.test(value) ? value : `http://${value}`
  return URL.canParse(text) ? { url: new URL(text), variable } : undefined
}

/** Returns whether NO_PROXY lists the host. It is `*`, or hosts and parent domains with or without ports. */
function isExcepted({ hostname, port }: URL, list: string): boolean {
  const host = withoutBrackets(hostname)
  return list
    .toLowerCase()
    .split(',')
    .map((entry) => entry.trim().replace(/^\.+/, ''))
    .filter(Boolean)
    .some(
      (entry) =>
        entry === '*' ||
        [host, `${hostname}:${port}`].some((one) => one === entry || one.endsWith(`.${entry}`)),
    )
}

/**
 * Returns an agent that tunnels through a proxy by CONNECT.
 *
 * @param ca certificate authorities in PEM, for the target and for a proxy over https.
 */
export async function proxyAgent({ url }: Proxy, isHttps: boolean, ca?: string): Promise<Agent> {
  const { HttpProxyAgent, HttpsProxyAgent } = (await import('hpagent')).default
  const { protocol, hostname, port, username, password } = url
  const options = {
    keepAlive: true,
    // node:http expects an IPv6 address without brackets.
    proxy: { protocol, hostname: withoutBrackets(hostname), port, username, password } as URL,
    ...(ca !== undefined && { ca, proxyRequestOptions: { ca: [ca] } }),
  }
  return (isHttps ? new HttpsProxyAgent(options) : new HttpProxyAgent(options)) as Agent
}

const withoutBrackets = (hostname: string) => hostname.replace(/^\[|\]$/g, '')
