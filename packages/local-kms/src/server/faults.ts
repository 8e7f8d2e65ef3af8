import { AwsError, LocalKmsError } from '../errors.js'
import { OPERATIONS } from './services.js'

/** What goes wrong, and with which calls. */
export type Fault = FaultKind & {
  /** `Decrypt`, `ssm:GetParameter`, …; absent, any operation. */
  operation?: string
  /** How many calls it strikes; absent, all of them. */
  times?: number
  /** The share of calls it strikes, 0 to 1, evenly spread: 0.2 strikes every fifth call. */
  rate?: number
}

export type FaultKind =
  /** The answer comes so much later. */
  | { kind: 'latency'; ms: number }
  /** For this call the service's clock is so much off; positive is fast. */
  | { kind: 'clock'; offsetMs: number }
  /** ThrottlingException; with `perSecond`, only for the calls beyond that many in a second. */
  | { kind: 'throttle'; perSecond?: number }
  /** Any refusal: `{ type: 'KMSInternalException', status: 500 }`. */
  | { kind: 'error'; type: string; status?: number; message?: string }
  /**
   * The connection breaks: before a byte of the answer (the operation was carried out), in the
   * middle of it, or after it, while a client may keep the connection for its next call.
   */
  | { kind: 'reset'; when: 'before' | 'during' | 'after' }
  /** No answer ever comes, and the connection stays open. */
  | { kind: 'hang' }
  /** HTTP is well, but the body is not the JSON it should be; `status` defaults to the answer's. */
  | { kind: 'body'; body: 'truncated' | 'malformed' | 'html' | 'empty'; status?: number }

/** A fault that was added: how often it struck, and how to end it. */
export interface InjectedFault {
  readonly strikes: number
  remove(): void
}

/** What strikes one call. */
export interface Strike {
  latencyMs: number
  clockMs: number
  fault?: Fault
}

interface Rule extends InjectedFault {
  readonly fault: Fault
  strikes: number
  /** Grows by `rate` a call; strikes when it passes a whole number. */
  due: number
  bucket: { tokens: number; filledAt: number } | undefined
}

/** The faults that are in force, and the service's clock. */
export class Faults {
  /** How far the service's clock is off for all calls, in milliseconds; positive is fast. */
  clockOffsetMs = 0
  readonly #rules = new Set<Rule>()

  now(): number {
    return Date.now() + this.clockOffsetMs
  }

  /**
   * Latencies and clocks that apply are added up; of the other faults the oldest that applies
   * strikes.
   *
   * @throws LocalKmsError BAD_OPTION for a fault that could never strike
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

  /** Takes the faults that strike this call. */
  strike(service: string, operation: string): Strike {
    const strike: Strike = { latencyMs: 0, clockMs: 0 }
    for (const rule of this.#rules) {
      const { fault } = rule
      const adds = fault.kind === 'latency' || fault.kind === 'clock'
      if ((!adds && strike.fault !== undefined) || !concerns(fault, service, operation)) continue
      if (!strikesNow(rule)) continue
      rule.strikes += 1
      if (rule.strikes === fault.times) this.#rules.delete(rule)
      if (fault.kind === 'latency') strike.latencyMs += fault.ms
      else if (fault.kind === 'clock') strike.clockMs += fault.offsetMs
      else strike.fault = fault
    }
    return strike
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
      `a fault for ${operation}: there is no such operation here (Decrypt, ssm:GetParameter, … or *)`,
    )
  }
  if (!(Number.isInteger(times) && times > 0 && rate > 0 && rate <= 1)) {
    throw new LocalKmsError(
      'BAD_OPTION',
      `a fault for ${operation}: times is 1 or more, rate more than 0 and at most 1`,
    )
  }
}

/** @throws AwsError for the faults that are refusals */
export function refuseByFault(fault: Fault | undefined): void {
  if (fault?.kind === 'throttle') throw new AwsError('ThrottlingException', 'Rate exceeded')
  if (fault?.kind === 'error') {
    throw new AwsError(fault.type, fault.message ?? '', { status: fault.status ?? 400 })
  }
}

/** `throttle`, `reset during`, `error KMSInternalException`: for the journal; undefined for none. */
export function describeStrike({ latencyMs, clockMs, fault }: Strike): string | undefined {
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

function concerns({ operation: wanted }: Fault, service: string, operation: string): boolean {
  return (
    wanted === undefined ||
    wanted === '*' ||
    wanted === operation ||
    wanted === `${service}:${operation}`
  )
}

function strikesNow(rule: Rule): boolean {
  const { fault } = rule
  if (fault.kind === 'throttle' && fault.perSecond !== undefined) {
    return !takeToken(rule, fault.perSecond)
  }
  if (fault.rate === undefined) return true
  // Rounded, so that ten times 0.1 is one.
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
