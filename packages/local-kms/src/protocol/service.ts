import { serviceHost } from '../arn.js'
import { AwsError } from '../errors.js'
import type { Call } from './call.js'
import type { JournalEntry } from './journal.js'
import { readInput, type Input, type Shape } from './schema.js'

export interface Operation<I = never, O = unknown> {
  readonly shape: Shape
  readonly run: (call: Call, input: I) => O | Promise<O>
}

export type Operations = Record<string, Operation>

export function operation<S extends Shape, O>(
  shape: S,
  run: (call: Call, input: Input<S>) => O | Promise<O>,
): Operation<Input<S>, O> {
  return { shape, run }
}

/** Validates the input, runs the operation, and records the outcome in the journal entry. */
export async function perform<I, O>(
  { shape, run }: Operation<I, O>,
  call: Call,
  body: unknown,
): Promise<O> {
  try {
    const output = await run(call, readInput(shape, body) as I)
    call.entry.outcome = 'Success'
    return output
  } catch (error) {
    recordFailure(call.entry, error)
    throw error
  }
}

export function recordFailure(entry: JournalEntry, error: unknown): void {
  entry.outcome = error instanceof AwsError ? error.type : 'InternalFailure'
  if (error instanceof Error && error.message !== '') entry.message = error.message
}

/**
 * Calls another service on the caller's behalf, as SSM and Secrets Manager do: with the caller's
 * permissions, with `kms:ViaService`, and with a separate entry in the journal.
 */
export async function performOnBehalf<I, O>(
  service: string,
  name: string,
  target: Operation<I, O>,
  call: Call,
  input: unknown,
  targetService: JournalEntry['service'] = 'kms',
): Promise<O> {
  const viaService = serviceHost(service, call.region)
  const entry: JournalEntry = {
    time: call.entry.time,
    requestId: call.entry.requestId,
    service: targetService,
    operation: name,
    region: call.region,
    principal: call.caller.arn,
    invokedBy: viaService,
    outcome: 'Success',
  }
  try {
    return await perform(target, { ...call, viaService, entry }, input)
  } finally {
    call.journal.add(entry)
  }
}
