import { LocalKmsError } from '../errors.js'
import type { Fault, FaultKind } from '../server/faults.js'

export const FAULT_SYNTAX = `\
  OPERATION=WHAT[*TIMES|@RATE]    OPERATION may be *; RATE is a share, 0 to 1
  WHAT: latency:300ms             the answer comes so much later
        throttle[:PER-SECOND]     ThrottlingException, or only beyond that rate
        error:TYPE[:STATUS]       KMSInternalException:500, DisabledException, …
        reset:before|during|after the connection breaks around the answer
        hang                      no answer ever comes
        body:truncated|malformed|html|empty`

/**
 * Reads a fault as the command line has it: `Decrypt=throttle*3`, `*=latency:300ms@0.5`.
 *
 * @throws LocalKmsError BAD_OPTION
 */
export function parseFault(text: string): Fault {
  const match = /^([^=]+)=([^*@]+)(?:\*(\d+)|@([\d.]+))?$/.exec(text)
  const kind = match === null ? undefined : parseKind(match[2] as string)
  if (match === null || kind === undefined || Number(match[4] ?? 0) > 1) {
    throw new LocalKmsError('BAD_OPTION', `--fault ${text}: not understood\n${FAULT_SYNTAX}`)
  }
  const [, operation = '*', , times, rate] = match
  return {
    ...kind,
    operation,
    ...(times !== undefined && { times: Number(times) }),
    ...(rate !== undefined && { rate: Number(rate) }),
  }
}

/** `300ms`, `2s`, `-20m`, `1h` in milliseconds; undefined for anything else. */
export function parseDuration(text: string): number | undefined {
  const match = /^(-?\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text)
  if (match === null) return undefined
  return Number(match[1]) * { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[match[2] as 's']
}

function parseKind(text: string): FaultKind | undefined {
  const [name = '', a, b] = text.split(':')
  switch (name) {
    case 'latency': {
      const ms = parseDuration(a ?? '')
      return ms === undefined ? undefined : { kind: 'latency', ms }
    }
    case 'throttle':
      if (a === undefined) return { kind: 'throttle' }
      return /^\d+$/.test(a) ? { kind: 'throttle', perSecond: Number(a) } : undefined
    case 'error':
      if (a === undefined || !/^\d{3}$/.test(b ?? '400')) return undefined
      return { kind: 'error', type: a, ...(b !== undefined && { status: Number(b) }) }
    case 'reset':
      return a === 'before' || a === 'during' || a === 'after'
        ? { kind: 'reset', when: a }
        : undefined
    case 'hang':
      return { kind: 'hang' }
    case 'body':
      return a === 'truncated' || a === 'malformed' || a === 'html' || a === 'empty'
        ? { kind: 'body', body: a }
        : undefined
    default:
      return undefined
  }
}
