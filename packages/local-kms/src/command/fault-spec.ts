import { LocalKmsError } from '../errors.js'
import type { Fault, FaultKind } from '../server/faults.js'

export const FAULT_SYNTAX = `\
  OPERATION=FAULT[*TIMES|@RATE]   OPERATION can be *; RATE is a share, 0 to 1
  FAULT: latency:300ms, clock:20m late answer; clock offset for this call
        throttle[:PER-SECOND]     throttling error, or only beyond that rate
        error:TYPE[:STATUS]       KMSInternalException:500, DisabledException, …
        reset:before|during|after connection reset, relative to the answer
        hang                      no answer
        body:truncated|malformed|html|empty[:STATUS]`

/**
 * Parses a fault of the command line: `Decrypt=throttle*3`, `*=latency:300ms@0.5`.
 *
 * @throws LocalKmsError BAD_OPTION
 */
export function parseFault(text: string): Fault {
  const match = /^([^=]+)=([^*@]+)(?:\*(\d+)|@([\d.]+))?$/.exec(text)
  const kind = match === null ? undefined : parseKind(match[2] as string)
  if (match === null || kind === undefined) {
    throw new LocalKmsError('BAD_OPTION', `invalid syntax. A fault has this form:\n${FAULT_SYNTAX}`)
  }
  const [, operation = '*', , times, rate] = match
  return {
    ...kind,
    operation,
    ...(times !== undefined && { times: Number(times) }),
    ...(rate !== undefined && { rate: Number(rate) }),
  }
}

/** Parses `300ms`, `2s`, `-20m`, `1h` to milliseconds. Returns undefined for other strings. */
export function parseDuration(text: string): number | undefined {
  const match = /^(-?\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text)
  if (match === null) return undefined
  return Number(match[1]) * { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[match[2] as 's']
}

/** The maximum number of arguments of each kind. */
const ARGUMENTS = { latency: 1, clock: 1, throttle: 1, error: 2, reset: 1, hang: 0, body: 2 }

function parseKind(text: string): FaultKind | undefined {
  const [name = '', a, b, ...more] = text.split(':')
  const given = [a, b, ...more].filter((argument) => argument !== undefined).length
  if (given > ((ARGUMENTS as Record<string, number | undefined>)[name] ?? 0)) return undefined
  switch (name) {
    case 'latency': {
      const ms = parseDuration(a ?? '')
      return ms === undefined || ms < 0 ? undefined : { kind: 'latency', ms }
    }
    case 'clock': {
      const offsetMs = parseDuration(a ?? '')
      return offsetMs === undefined ? undefined : { kind: 'clock', offsetMs }
    }
    case 'throttle':
      if (a === undefined) return { kind: 'throttle' }
      return /^\d+$/.test(a) ? { kind: 'throttle', perSecond: Number(a) } : undefined
    case 'error':
      return a === undefined || !isStatus(b) ? undefined : { kind: 'error', type: a, ...status(b) }
    case 'reset':
      return a === 'before' || a === 'during' || a === 'after'
        ? { kind: 'reset', when: a }
        : undefined
    case 'hang':
      return { kind: 'hang' }
    case 'body':
      if (!isStatus(b)) return undefined
      return a === 'truncated' || a === 'malformed' || a === 'html' || a === 'empty'
        ? { kind: 'body', body: a, ...status(b) }
        : undefined
    default:
      return undefined
  }
}

const isStatus = (text: string | undefined): boolean => /^[2-5]\d\d$/.test(text ?? '400')

const status = (text: string | undefined) => text !== undefined && { status: Number(text) }
