import type { AwsOptions } from '../options/types.js'
import { contactOf, emptyAnswerError, rememberContact } from './aws-error.js'
import { configurationOf, endpointVariant } from './configuration.js'
import { credentialsOf } from './credentials.js'
import { callTimeout, withDeadline } from './deadline.js'
import { muteNodeVersionWarning } from './node-version.js'
import { requestHandlerOf } from './request-handler.js'

/**
 * Returns the configuration that all AWS clients of a build or command share.
 *
 * @param service the SDK's service id: `KMS`, `Secrets Manager`.
 */
export async function clientConfig(aws: AwsOptions, service: string, region = aws.region) {
  const configuration = await configurationOf(aws)
  await muteNodeVersionWarning()
  const endpoint = configuration.endpointOf(service)
  const inRegion = region ?? configuration.region
  const requestHandler = requestHandlerOf(aws).forService(endpoint)
  return {
    profile: configuration.profileName,
    ...(inRegion !== undefined && { region: inRegion }),
    ...(endpoint && { endpoint: endpoint.url }),
    // The SDK would read the endpoints of AWS_PROFILE, not those of the profile that an option names.
    ignoreConfiguredEndpointUrls: true,
    ...endpointVariant(configuration, endpoint),
    credentials: credentialsOf(aws),
    requestHandler,
  }
}

export type ClientConfig = Awaited<ReturnType<typeof clientConfig>>

/** For services that throttle: slows down to the rate that the service accepts. */
export const PATIENT = { retryMode: 'adaptive', maxAttempts: 7 }

interface CallOptions {
  /** The service throttles: allows more time. */
  isPatient?: boolean
  /** Called with the error of each call that failed. */
  onError?: (error: unknown) => void
}

/**
 * Returns the clients of one service, one per region, each created at its first use. Every call has a
 * deadline.
 */
export function clientsOf<C>(
  aws: AwsOptions,
  service: string,
  create: (config: ClientConfig) => Promise<C>,
  calls: CallOptions = {},
): (region?: string) => Promise<C> {
  const created = new Map<string | undefined, Promise<C>>()
  return (region = aws.region) => {
    let client = created.get(region)
    if (!client) {
      client = clientConfig(aws, service, region)
        .then(create)
        .then((made) => withDeadlines(made, aws, calls))
      // The next call reads the configuration again: it may have been corrected.
      client.catch(() => created.delete(region))
      created.set(region, client)
    }
    return client
  }
}

function withDeadlines<C>(client: C, aws: AwsOptions, { isPatient, onError }: CallOptions): C {
  const sender = client as { send: (command: unknown, options?: object) => Promise<unknown> }
  const send = sender.send.bind(client)
  sender.send = async (command, options) => {
    try {
      // Credentials have their own deadline, which allows for typing an MFA code.
      await credentialsOf(aws)()
      return await withDeadline(callTimeout(isPatient), async (abortSignal) => {
        const answer = await send(command, { ...options, abortSignal })
        if (!isEmpty(answer as object)) return answer
        const error = emptyAnswerError('HTTP 200 without the fields of the operation')
        const contact = contactOf(abortSignal)
        if (contact) rememberContact(error, contact)
        throw error
      })
    } catch (error) {
      onError?.(error)
      throw error
    }
  }
  return client
}

/** Returns whether an answer has no fields. Every operation that we call returns at least one. */
const isEmpty = (answer: object) =>
  Object.entries(answer).every(([name, value]) => name === '$metadata' || value === undefined)
