import type { AwsOptions } from '../options/types.js'
import { contactOf, emptyAnswerError, rememberContact } from './aws-error.js'
import { configurationOf, endpointVariant } from './configuration.js'
import { credentialsOf } from './credentials.js'
import { callTimeout, withDeadline } from './deadline.js'
import { muteNodeVersionWarning } from './node-version.js'
import { requestHandlerOf } from './request-handler.js'

/**
 * Returns what every AWS client of a build or command is created with.
 *
 * @param service the SDK's service id: `KMS`, `Secrets Manager`.
 */
export async function clientConfig(aws: AwsOptions, service: string, region = aws.region) {
  const configuration = await configurationOf(aws)
  await muteNodeVersionWarning()
  const endpoint = configuration.endpointOf(service)
  const inRegion = region ?? configuration.region
  const requestHandler = requestHandlerOf(aws)
  if (endpoint) requestHandler.nameEndpoint(endpoint)
  return {
    profile: configuration.profileName,
    ...(inRegion !== undefined && { region: inRegion }),
    ...(endpoint && { endpoint: endpoint.url }),
    // The SDK would read AWS_PROFILE's, and not those of the profile that an option names.
    ignoreConfiguredEndpointUrls: true,
    ...endpointVariant(configuration, endpoint),
    credentials: credentialsOf(aws),
    requestHandler,
  }
}

export type ClientConfig = Awaited<ReturnType<typeof clientConfig>>

/** For sources that throttle: retries at the pace that the service keeps up with. */
export const PATIENT = { retryMode: 'adaptive', maxAttempts: 7 }

interface CallOptions {
  /** The service throttles, and is given more time. */
  isPatient?: boolean
  /** Called with the error of each call that failed. */
  onError?: (error: unknown) => void
}

/**
 * Returns the clients of one service, one per region, each created at its first use. Every call of
 * theirs has a deadline.
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
      // A configuration that was corrected meanwhile is read again.
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
      // Credentials have a deadline of their own, which waits for a person who types an MFA code.
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

/** Returns whether an answer has no field: each operation that is called returns one at least. */
const isEmpty = (answer: object) =>
  Object.entries(answer).every(([name, value]) => name === '$metadata' || value === undefined)
