import { AwsError } from '../errors.js'

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

interface Rule extends InjectedFault {
  readonly fault: Fault
  strikes: number
  /** Grows by `rate` a call; strikes when it passes a whole number. */
  due: number
  bucket: { tokens: number; filledAt: number } | undefined
}

/** The faults that are in force, and the service's clock. */
export class Faults {
  /** How far the service's clock is off, in milliseconds; positive is fast. */
  clockOffsetMs = 0
  readonly #rules = new Set<Rule>()

  now(): number {
    return Date.now() + this.clockOffsetMs
  }

  /** Every latency that applies is added up; of the other faults the oldest that applies strikes. */
  add(fault: Fault): InjectedFault {
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
  strike(service: string, operation: string): { latencyMs: number; fault?: Fault } {
    let latencyMs = 0
    let struck: Fault | undefined
    for (const rule of this.#rules) {
      const { fault } = rule
      const other = fault.kind !== 'latency'
      if ((other && struck !== undefined) || !concerns(fault, service, operation)) continue
      if (!strikesNow(rule)) continue
      rule.strikes += 1
      if (rule.strikes === fault.times) this.#rules.delete(rule)
      if (fault.kind === 'latency') latencyMs += fault.ms
      else struck = fault
    }
    return struck === undefined ? { latencyMs } : { latencyMs, fault: struck }
  }
}

/** @throws AwsError for the faults that are refusals */
export function refuseByFault(fault: Fault | undefined): void {
  if (fault?.kind === 'throttle') throw new AwsError('ThrottlingException', 'Rate exceeded')
  if (fault?.kind === 'error') {
    throw new AwsError(fault.type, fault.message ?? '', { status: fault.status ?? 400 })
  }
}

/** `throttle`, `reset during`, `error KMSInternalException`: for the journal. */
export function describeFault(fault: Fault): string {
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
