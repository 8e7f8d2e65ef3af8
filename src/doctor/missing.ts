import { keyPolicyParts } from '../policy/key-policy.js'
import { decryptStatements } from '../policy/runtime-policy.js'
import { check, type Check } from './check.js'
import { unknownKeys, type Verdict } from './circumstances.js'
import { whyRoleLacks, wrongCondition } from './near-misses.js'
import type { NamedPolicy } from './role-policies.js'
import type { Simulation } from './simulate.js'
import type { Access, StatementMatch } from './types.js'

const subject = ({ role, keyArn }: Access) => ({ role: role.arn, keyArn })

/** Returns why grants could not be read, if so: a grant might allow the call. */
const grantsUnread = ({ grants }: Access) => ('why' in grants ? { grantsUnread: grants.why } : {})

const statementsFor = ({ keyArn, encryptionContext }: Access) =>
  decryptStatements([{ keyArn, encryptionContext }])

export function missingInKeyPolicy(
  access: Access,
  ofKey: StatementMatch[],
  roleAllows: Verdict,
): Check {
  const { role, keyArn } = access
  const add = {
    to: 'key' as const,
    of: keyArn,
    statements: keyPolicyParts(statementsFor(access), role.arn)[0]!.statements,
  }
  const narrow = ofKey.find(
    ({ statement, action, resource }) => statement.effect === 'Allow' && action && resource,
  )
  if (narrow) {
    const condition = wrongCondition(narrow, access)
    const data = { ...subject(access), statement: narrow.label, condition }
    return check('found', 'key-policy-condition', 'KEY_POLICY_CONDITION', data, { add })
  }
  const deleted = deletedPrincipal(access)
  return check(
    'found',
    'key-policy',
    'KEY_POLICY_LACKS',
    {
      ...subject(access),
      ...grantsUnread(access),
      roleAllows,
      ...(deleted !== undefined && { deleted }),
    },
    { add },
  )
}

/** Returns a deleted principal of the key policy, which AWS shows by its unique id. */
function deletedPrincipal({ keyPolicy }: Access): string | undefined {
  const statements = 'policy' in keyPolicy ? keyPolicy.policy.statements : []
  const names = statements.flatMap(({ principals }) => principals?.['AWS'] ?? [])
  return names.find((name) => /^A(?:RO|ID)A[A-Z0-9]{16,}$/.test(name))
}

export function missingInBoundary(access: Access, boundary: NamedPolicy): Check {
  const data = { ...subject(access), ...grantsUnread(access), boundary: boundary.name }
  const add = { to: 'role' as const, of: boundary.name, statements: statementsFor(access) }
  return check('found', 'boundary', 'BOUNDARY_LACKS', data, { add })
}

export function missingInRole(access: Access, ofRole: StatementMatch[]): Check {
  const { role, encryptionContext, simulated } = access
  const more = {
    add: { to: 'role' as const, of: role.arn, statements: statementsFor(access) },
  }
  const data = { ...subject(access), ...grantsUnread(access) }
  if (!role.incomplete || !simulated) return whyRoleLacks(access, ofRole, data, more)
  const { decision } = simulated
  return check(
    'found',
    'simulation',
    'SIMULATION_LACKS',
    { ...data, encryptionContext, decision },
    more,
  )
}

export const deniedByOrganization = (access: Access): Check =>
  check('found', 'simulation', 'ORGANIZATION_DENIES', subject(access))

export const deniedBySimulation = (access: Access): Check =>
  check('found', 'simulation', 'SIMULATION_DENIES', subject(access))

/** Reports that the simulation disagrees. It covers unread policies, but not key policies, so neither result is certain. */
export const otherwiseSimulated = (access: Access, decision: Simulation['decision']): Check =>
  check('unchecked', 'simulation', 'SIMULATION_DIFFERS', { ...subject(access), decision })

/** Reports that the result depends on policies that could not be read, or on the call itself. */
export function reportUnknown(
  access: Access,
  matches: StatementMatch[],
  others: string[] = [],
): Check {
  const { role, keyPolicy, call } = access
  const undecided = matches.filter(({ verdict }) => verdict === 'maybe')
  const keys = [...new Set(undecided.flatMap(({ statement }) => unknownKeys(statement, call)))]
  const reasons = [
    ...('why' in keyPolicy ? [`the key policy could not be read: ${keyPolicy.why}`] : []),
    ...(role.incomplete ? [role.incomplete] : []),
    ...others,
    ...(keys.length ? [`it depends on ${keys.join(', ')}, which only a real call has`] : []),
  ]
  return check('unchecked', 'access', 'ACCESS_UNKNOWN', { ...subject(access), reasons })
}
