import { clientsOf, type ClientConfig } from '../aws/clients.js'
import { isUnreachable } from '../aws/kms-errors.js'
import type { AwsOptions } from '../options/types.js'

/** What AWS answered, or how it refused: no refusal ends an examination. */
export type Answer<T> = { got: T } | Refusal

export interface Refusal {
  refused: 'denied' | 'missing' | 'credentials' | 'unreachable' | 'failed'
  /** AWS's own name of it. */
  name: string
  message: string
}

const NAMES: [Refusal['refused'], RegExp][] = [
  ['denied', /^(AccessDenied|UnauthorizedOperation)/],
  ['missing', /^(NotFound|NoSuchEntity|ResourceNotFound)/],
  [
    'credentials',
    /^(CredentialsProviderError|UnrecognizedClient|InvalidClientTokenId|ExpiredToken|AuthFailure|SignatureDoesNotMatch|InvalidSignature|TokenProviderError)/,
  ],
]

export async function ask<T>(call: () => Promise<T>): Promise<Answer<T>> {
  try {
    return { got: await call() }
  } catch (error) {
    const { name, message } = error as Error
    const [refused] = NAMES.find(([, pattern]) => pattern.test(name)) ?? [
      isUnreachable(error) ? 'unreachable' : 'failed',
    ]
    return { refused, name, message }
  }
}

/** Why something is not checked: `kms:GetKeyPolicy is denied`. */
export function reason({ refused, name, message }: Refusal, action: string): string {
  if (refused === 'denied') return `${action} is denied to the caller`
  if (refused === 'unreachable') return `AWS could not be reached for ${action} (${name})`
  return `${action} failed (${name}: ${message})`
}

const IMPATIENT = {
  maxAttempts: 2,
  requestHandler: { connectionTimeout: 3000, requestTimeout: 10_000 },
}
type Config = ClientConfig & typeof IMPATIENT

/** Clients of one service, one a region; each gives up after seconds rather than minutes. */
export const clients = <C>(aws: AwsOptions, make: (config: Config) => Promise<C>) =>
  clientsOf(aws, (config) => make({ ...config, ...IMPATIENT }))
