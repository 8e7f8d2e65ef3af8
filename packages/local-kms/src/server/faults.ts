import { AwsError, LocalKmsError } from '../errors.js'
import { OPERATIONS } from './services.js'

/** A fault to inject, and the calls that it applies to. */
export type Fault = FaultKind & {
  /** `Decrypt`, `ssm:GetParameter`, … Default: any operation. */
  operation?: string
  /** Maximum number of calls. Default: all calls. */
  times?: number
  /** Share of calls, 0 to 1, evenly spread: 0.2 applies to every fifth call. */
  rate?: number
}

export type FaultKind =
  /** Delays the answer. */
  | { kind: 'latency'; ms: number }
  /** Offset of the service's clock for this call. A positive clock is fast. */
  | { kind: 'clock'; offsetMs: number }
  /** The service's throttling error; with `perSecond`, only beyond that rate. */
  | { kind: 'throttle'; perSecond?: number }
  /** Any error: `{ type: 'KMSInternalException', status: 500 }`. Default status: 400. */
  | { kind: 'error'; type: string; status?: number; message?: string }
  /**
   * Resets the connection: before the answer (after the operation ran), in the middle of the
   * answer, or after it, when a client may reuse the connection for its next call.
   */
  | { kind: 'reset'; when: 'before' | 'during' | 'after' }
  /** Never answers, and keeps the connection open. */
  | { kind: 'hang' }
  /** A valid HTTP answer with an invalid body. Default status: that of the answer. */
  | { kind: 'body'; body: 'truncated' | 'malformed' | 'html' | 'empty'; status?: number }

/** A fault that was added. */
export interface InjectedFault {
  /** The number of calls that the fault was applied to. */
  readonly strikes: number
  remove(): void
}

/** The faults that apply to one call. */
export interface AppliedFaults {
  latencyMs: number
  clockMs: number
  fault?: Fault
}

interface Rule extends InjectedFault {
  readonly fault: Fault
  strikes: number
  /** Grows by `rate` with each call. The fault applies when it reaches 1. */
  due: number
  bucket: { tokens: number; filledAt: number } | undefined
}

/** The active faults, and the service's clock. */
export class Faults {
  /** Offset of the service's clock for all calls, in milliseconds. A positive clock is fast. */
  clockOffsetMs = 0
  readonly #rules = new Set<Rule>()

  now(): number {
    return Date.now() + this.clockOffsetMs
  }

  /**
   * Adds a fault. Latencies and clock offsets of several faults add up. Of the other faults, the
   * oldest applies.
   *
   * @throws LocalKmsError BAD_OPTION for a fault that could never apply
   */
  add(fault: Fault): InjectedFault {
    checkFault(fault)
    const rule: Rule = {
      fault,
      strikes: 0,
      due: 0,
      bucket: undefined,
      remove: () => this.#rules.delete(rule),
    }
    this.#rules.add(rule)
    return rule
  }

  clear(): void {
    this.#rules.clear()
    this.clockOffsetMs = 0
  }

  /** Selects the faults of a call. */
  select(service: string, operation: string): AppliedFaults {
    const applied: AppliedFaults = { latencyMs: 0, clockMs: 0 }
    for (const rule of this.#rules) {
      const { fault } = rule
      const adds = fault.kind === 'latency' || fault.kind === 'clock'
      if ((!adds && applied.fault !== undefined) || !matchesOperation(fault, service, operation))
        continue
      if (!appliesNow(rule)) continue
      rule.strikes += 1
      if (rule.strikes === fault.times) this.#rules.delete(rule)
      if (fault.kind === 'latency') applied.latencyMs += fault.ms
      else if (fault.kind === 'clock') applied.clockMs += fault.offsetMs
      else applied.fault = fault
    }
    return applied
  }
}

function checkFault({ operation = '*', times = 1, rate = 1 }: Fault): void {
  const [name = '', service] = operation.split(':').toReversed()
  const services = Object.entries(OPERATIONS).filter(
    ([s]) => service === undefined || s === service,
  )
  if (operation !== '*' && !services.some(([, operations]) => Object.hasOwn(operations, name))) {
    throw new LocalKmsError(
      'BAD_OPTION',
      `a fault for ${operation}: this operation is not served (examples: Decrypt, ssm:GetParameter, *)`,
    )
  }
  if (!(Number.isInteger(times) && times > 0 && rate > 0 && rate <= 1)) {
    throw new LocalKmsError(
      'BAD_OPTION',
      `a fault for ${operation}: times must be at least 1, rate more than 0 and at most 1`,
    )
  }
}

/** @throws AwsError for the faults that are errors of the service */
export function throwFault(fault: Fault | undefined): void {
  if (fault?.kind === 'throttle') throw new AwsError('ThrottlingException', 'Rate exceeded')
  if (fault?.kind === 'error') {
    throw new AwsError(fault.type, fault.message ?? '', { status: fault.status ?? 400 })
  }
}

/** Describes faults for the journal: `throttle`, `reset during`, `error KMSInternalException`. */
export function describeFaults({ latencyMs, clockMs, fault }: AppliedFaults): string | undefined {
  const parts = [
    latencyMs !== 0 && `latency ${latencyMs} ms`,
    clockMs !== 0 && `clock ${clockMs} ms`,
    fault && describeFault(fault),
  ]
  return parts.filter(Boolean).join(', ') || undefined
}

function describeFault(fault: Fault): string {
  if (fault.kind === 'reset') return `reset ${fault.when}`
  if (fault.kind === 'body') return `body ${fault.body}`
  return fault.kind === 'error' ? `error ${fault.type}` : fault.kind
}

function matchesOperation(
  { operation: wanted }: Fault,
  service: string,
  operation: string,
): boolean {
  return (
    wanted === undefined ||
    wanted === '*' ||
    wanted === operation ||
    wanted === `${service}:${operation}`
  )
}

function appliesNow(rule: Rule): boolean {
  const { fault } = rule
  if (fault.kind === 'throttle' && fault.perSecond !== undefined) {
    return !takeToken(rule, fault.perSecond)
  }
  if (fault.rate === undefined) return true
  // Round, because ten times 0.1 is not exactly 1.
  const due = Math.round((rule.due + fault.rate) * 1e9) / 1e9
  rule.due = due % 1
  return due >= 1
}

function takeToken(rule: Rule, perSecond: number): boolean {
  const now = performance.now()
  const bucket = (rule.bucket ??= { tokens: perSecond, filledAt: now })
  const refill = ((now - bucket.filledAt) / 1000) * perSecond
  bucket.tokens = Math.min(perSecond, bucket.tokens + refill)
  bucket.filledAt = now
  if (bucket.tokens < 1) return false
  bucket.tokens -= 1
  return true
}
