/** The host that a request went to, and the proxy before it. */
export interface Contact {
  /** Its URL without a path. */
  host: string
  /** The setting that names it; absent for AWS's own host. */
  from?: string
  proxy?: { host: string; variable: string }
}

const contacts = new WeakMap<object, Contact>()

/** Attaches the contact of a request to its response, its abort signal or its error. */
export const rememberContact = (of: object, contact: Contact) => void contacts.set(of, contact)

/** Returns the contact of the request that failed with this error. */
export function contactOf(error: unknown): Contact | undefined {
  const { $response, cause } = error as { $response?: object; cause?: unknown }
  return (
    contacts.get(error as object) ??
    ($response && contacts.get($response)) ??
    (cause instanceof Error ? contactOf(cause) : undefined)
  )
}

const named = (name: string) => (message: string, options?: ErrorOptions) =>
  Object.assign(new Error(message, options), { name })

/** An error of AWS's configuration files, variables or our options, found before any request. */
export const configurationError = named('AwsConfigurationError')

/** An error of a call that was not complete at its deadline. */
export const deadlineError = named('AwsDeadlineError')

/** An error of a successful response without the fields of the operation: it is not from AWS. */
export const emptyAnswerError = named('AwsEmptyAnswerError')

/**
 * Returns a member that every successful response has.
 *
 * @throws an Error named `AwsEmptyAnswerError`.
 */
export function present<T>(member: T | undefined): T {
  if (member !== undefined) return member
  throw emptyAnswerError('HTTP 200 without the fields of the operation')
}

/** An error named as the SDK names it: no credentials were found, or they could not be loaded. */
export const credentialsError = (message: string, options?: ErrorOptions) =>
  Object.assign(new Error(message, options), { name: 'CredentialsProviderError' })
