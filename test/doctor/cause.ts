import { expect } from 'vitest'
import type { CheckId } from '../../src/doctor/check.js'
import type { Diagnosis } from '../../src/doctor/doctor.js'
import { VALUE, type Changes } from './world.js'

/** Something wrong, what it is found as, and words that the finding must have. */
export type Broken = [what: string, id: CheckId, says: RegExp, changes: Changes]

/** What is found is this, first and alone, and no value is said. */
export function expectCause({ checks, verdict }: Diagnosis, id: CheckId, says: RegExp) {
  const found = checks.filter(({ status }) => status === 'found')
  expect(found[0]).toMatchObject({ id })
  expect(found[0]!.says).toMatch(says)
  expect([...new Set(found.map((one) => one.id))]).toEqual([id])
  expect(verdict).not.toBe('fine')
  expect(JSON.stringify(checks)).not.toContain(VALUE)
}
