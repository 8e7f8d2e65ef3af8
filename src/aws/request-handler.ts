import { readFile } from 'node:fs/promises'
import type { NodeHttpHandler } from '@smithy/node-http-handler'
import type { AwsOptions } from '../options/types.js'
import { configurationError, rememberContact, type Contact } from './aws-error.js'
import { configurationOf, type Endpoint } from './configuration.js'
import { attemptTimeout } from './deadline.js'
import { proxyAgent, proxyFor, type Proxy } from './proxy.js'
import { loadSdk } from './sdk.js'

type Request = Parameters<NodeHttpHandler['handle']>[0]
type Options = Parameters<NodeHttpHandler['handle']>[1]

const handlers = new WeakMap<AwsOptions, RequestHandler>()

/** Returns the HTTP handler that all AWS clients of these options share. */
export function requestHandlerOf(aws: AwsOptions): RequestHandler {
  let handler = handlers.get(aws)
  if (!handler) handlers.set(aws, (handler = new RequestHandler(aws)))
  return handler
}

/**
 * Sends requests as the AWS CLI does: through the proxies of the environment, and trusting the
 * certificate authorities of AWS_CA_BUNDLE or the profile. Each attempt has a time limit.
 */
export class RequestHandler {
  readonly metadata = { handlerProtocol: 'http/1.1' }
  readonly #aws: AwsOptions
  /** By URL of the proxy; the empty string means no proxy. */
  readonly #handlers = new Map<string, Promise<NodeHttpHandler>>()
  #ca: Promise<string | undefined> | undefined

  constructor(aws: AwsOptions) {
    this.#aws = aws
  }

  /**
   * Returns the handler of one service's client: its errors name the setting of the service's endpoint.
   * Services may share an endpoint that different settings name.
   */
  forService(endpoint: Endpoint | undefined) {
    return {
      metadata: this.metadata,
      handle: (request: Request, options?: Options) =>
        this.handle(request, options, endpoint?.from),
      // Ignores the defaults that the SDK passes.
      updateHttpClientConfig() {},
      httpHandlerConfigs: (): object => ({}),
    }
  }

  async handle(request: Request, options?: Options, from?: string) {
    const { protocol, hostname, port } = request
    const isHttps = protocol === 'https:'
    const url = new URL(`${protocol}//${hostname}${port ? `:${port}` : ''}`)
    const proxy = proxyFor(url)
    const contact: Contact = {
      host: url.origin,
      ...(from !== undefined && { from }),
      ...(proxy && { proxy: { host: proxy.url.host, variable: proxy.variable } }),
    }
    if (options?.abortSignal) rememberContact(options.abortSignal, contact)
    try {
      const handler = await this.#handlerFor(proxy, isHttps)
      const answer = await handler.handle(request, options)
      rememberContact(answer.response, contact)
      return answer
    } catch (error) {
      rememberContact(error as object, contact)
      throw error
    }
  }

  #handlerFor(proxy: Proxy | undefined, isHttps: boolean): Promise<NodeHttpHandler> {
    const key = proxy ? `${isHttps} ${proxy.url.href}` : ''
    let handler = this.#handlers.get(key)
    if (!handler) this.#handlers.set(key, (handler = this.#createHandler(proxy, isHttps)))
    return handler
  }

  async #createHandler(proxy: Proxy | undefined, isHttps: boolean): Promise<NodeHttpHandler> {
    const ca = await (this.#ca ??= readCaBundle(this.#aws))
    const { NodeHttpHandler } = await loadSdk(
      '@smithy/node-http-handler',
      () => import('@smithy/node-http-handler'),
    )
    const timeout = attemptTimeout()
    const agent = proxy
      ? await proxyAgent(proxy, isHttps, ca)
      : ca === undefined
        ? undefined
        : { ca }
    return new NodeHttpHandler({
      connectionTimeout: timeout,
      requestTimeout: timeout,
      throwOnRequestTimeout: true,
      ...(agent && { httpsAgent: agent }),
      ...(proxy && { httpAgent: agent as never }),
    })
  }
}

/** @returns undefined if nothing replaces Node's own certificate authorities. */
async function readCaBundle(aws: AwsOptions): Promise<string | undefined> {
  const { caBundle } = await configurationOf(aws)
  if (!caBundle) return undefined
  const { path, from } = caBundle
  const pem = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw configurationError(
      `${from} names ${path}, which cannot be read (${error.code}). Set it to a file of certificates in PEM.`,
    )
  })
  if (pem.includes('-----BEGIN ')) return pem
  throw configurationError(
    `${from} names ${path}, which contains no certificate in PEM (-----BEGIN CERTIFICATE-----).`,
  )
}
