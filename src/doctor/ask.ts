import { clientsOf, type ClientConfig } from '../aws/clients.js'
import { failureOf, type FailureKind } from '../aws/failure.js'
import type { AwsOptions } from '../options/types.js'

/** The result of a call, or how it failed. A failed call does not end the diagnosis. */
export type Answer<T> = { got: T } | Refusal

export interface Refusal {
  refused: Exclude<FailureKind, 'refused'> | 'missing' | 'failed'
  /** AWS's name of the error, or the system's code. */
  name: string
  message: string
  /** What to do about it; empty if AWS refused the call. */
  next: string
}

const MISSING = /^(NotFound|NoSuchEntity|ResourceNotFound)/

/** Calls AWS. Returns errors instead of throwing them. */
export async function ask<T>(call: () => Promise<T>): Promise<Answer<T>> {
  try {
    return { got: await call() }
  } catch (error) {
    const { kind, name, what, next } = failureOf(error)
    if (kind !== 'refused') return { refused: kind, name, message: what, next }
    return {
      refused: MISSING.test(name) ? 'missing' : 'failed',
      name,
      message: (error as Error).message,
      next,
    }
  }
}

/** Returns why something is not checked: `kms:GetKeyPolicy is denied to the caller`. */
export function reason({ refused, name, message }: Refusal, action: string): string {
  if (refused === 'denied') return `${action} is denied to the caller`
  if (refused === 'unreachable') return `${action}: ${message}`
  return `${action} failed (${name}: ${message})`
}

const unreached = new WeakSet<AwsOptions>()

/** Returns whether any call with these options did not reach AWS. */
export const isUnreached = (aws: AwsOptions) => unreached.has(aws)

/** Marks the options if an error means that a call did not reach AWS. */
export function noteUnreached(aws: AwsOptions, error: unknown): void {
  if (failureOf(error).kind === 'unreachable') unreached.add(aws)
}

const IMPATIENT = { maxAttempts: 2 }
type Config = ClientConfig & typeof IMPATIENT

/** Returns clients of one service, one per region. */
export const clients = <C>(
  aws: AwsOptions,
  service: string,
  make: (config: Config) => Promise<C>,
): ((region?: string) => Promise<C>) =>
  clientsOf(aws, service, (config) => make({ ...config, ...IMPATIENT }), {
    onError: (error) => noteUnreached(aws, error),
  })
