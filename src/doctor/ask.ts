import { clientsOf, type ClientConfig } from '../aws/clients.js'
import { failureOf, type FailureKind } from '../aws/failure.js'
import type { AwsOptions } from '../options/types.js'

/** What AWS answered, or how the call failed: no failed call ends an examination. */
export type Answer<T> = { got: T } | Refusal

export interface Refusal {
  refused: Exclude<FailureKind, 'refused'> | 'missing' | 'failed'
  /** AWS's own name of the error, or the system's code. */
  name: string
  message: string
  /** What to do about it; empty where AWS answered. */
  next: string
}

const MISSING = /^(NotFound|NoSuchEntity|ResourceNotFound)/

/** Calls AWS, and returns a failure in place of throwing it. */
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

/** Remembers that a call did not reach AWS, if this is its error. */
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
