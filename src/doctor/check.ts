import { formatMessage, type MessageCode, type MessageData } from './messages.js'
import type { Statement } from '../policy/statement.js'

/**
 * The checks, in the order of cause and effect; docs/doctor.md explains each. Findings are reported in
 * this order.
 */
export const CHECKS = [
  'file',
  'bundle',
  'pin',
  'identity',
  'key-exists',
  'key-enabled',
  'key-usage',
  'alias',
  'wrapping',
  'pair',
  'entries',
  'function',
  'endpoint',
  'role',
  'explicit-deny',
  'key-policy',
  'key-policy-condition',
  'boundary',
  'role-condition',
  'role-alias',
  'role-region',
  'role-resource',
  'role-action',
  'simulation',
  'access',
  'network',
  'endpoint-policy',
  'caller',
  'nearest-key',
  'stale',
  'rotation',
] as const

export type CheckId = (typeof CHECKS)[number]

/** `found`: something is wrong. `unchecked`: it could not be checked, and the message says why. */
export const STATUSES = ['found', 'advice', 'unchecked', 'ok'] as const
export type Status = (typeof STATUSES)[number]

/** The result of a check: data for programs, and a message. */
export interface Check {
  id: CheckId
  status: Status
  /** The finding, for programs. `data` contains its names, ARNs and contexts. */
  code: MessageCode
  data: object
  /** The message, in one line: what was found, and where. */
  says: string
  /** What to do about it. */
  fix?: string
  /** The statements that are missing, and where. */
  add?: { to: 'role' | 'key' | 'endpoint'; of: string; statements: Statement[] }
}

type DataArguments<C extends MessageCode> =
  MessageData<C> extends undefined ? [] : [data: MessageData<C>, more?: Pick<Check, 'add'>]

/** Returns a check with the message of its code. */
export function check<C extends MessageCode>(
  status: Status,
  id: CheckId,
  code: C,
  ...[data, more]: DataArguments<C>
): Check {
  const text = formatMessage(code, data as MessageData<C>)
  return { id, status, code, data: data ?? {}, ...text, ...more }
}

/** Sorts checks: findings by cause, then advice, then unchecked, then ok. */
export const inOrder = (checks: Check[]): Check[] =>
  checks.toSorted(
    (one, other) =>
      STATUSES.indexOf(one.status) - STATUSES.indexOf(other.status) ||
      CHECKS.indexOf(one.id) - CHECKS.indexOf(other.id),
  )
