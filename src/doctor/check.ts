import type { Statement } from '../policy/statement.js'

/**
 * What doctor looks at, in the order in which one thing causes another; docs/doctor.md explains
 * each. What was found is said in this order too.
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

/** `advice` is no fault; `unchecked` says what could not be looked at, and why. */
export const STATUSES = ['found', 'advice', 'unchecked', 'ok'] as const
export type Status = (typeof STATUSES)[number]

export interface Check {
  id: CheckId
  status: Status
  /** One line: what is so, of what, and why it matters. */
  says: string
  /** What to do about it. */
  fix?: string
  /** The statements that are missing, and where. */
  add?: { to: 'role' | 'key' | 'endpoint'; of: string; statements: Statement[] }
}

export const check = (
  status: Status,
  id: CheckId,
  says: string,
  more: Pick<Check, 'fix' | 'add'> = {},
): Check => ({ id, status, says, ...more })

/** What was found first, by cause; then advice, what could not be checked, and what is fine. */
export const inOrder = (checks: Check[]): Check[] =>
  checks.toSorted(
    (one, other) =>
      STATUSES.indexOf(one.status) - STATUSES.indexOf(other.status) ||
      CHECKS.indexOf(one.id) - CHECKS.indexOf(other.id),
  )
