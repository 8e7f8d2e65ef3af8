import type { Policy, Statement } from '@unplugin-kms/local-kms/policy'
import { principalMatch, type PrincipalMatch } from '@unplugin-kms/local-kms/policy'
import { parseKeyArn } from '../aws/key-arn.js'
import { check, type Check } from './check.js'
import { best, matchStatement, worst, type Circumstances, type Verdict } from './circumstances.js'
import { isGranted } from './grants.js'
import {
  deniedByOrganization,
  deniedBySimulation,
  missingInBoundary,
  missingInKeyPolicy,
  missingInRole,
  otherwiseSimulated,
  reportUnknown,
} from './missing.js'
import { principalOf } from './principal.js'
import type { NamedPolicy, RoleFacts } from './role-policies.js'
import type { Simulation } from './simulate.js'
import type { Access, StatementMatch } from './types.js'

/**
 * Evaluates the role's policies, its boundary and the key policy together as KMS does. An explicit Deny
 * overrides any Allow. Without one, the key policy must allow the call. If it names the role, that is
 * enough; if it names the account, the role's policies must allow the call too. For a key of another
 * account, both must always allow it. Reports one finding: the cause.
 */
export function evaluateAccess(access: Access): Check[] {
  const { role, keyArn, keyPolicy, call, simulated } = access
  const own = matchAll(role.policies, call)
  const boundary = isRead(role.boundary)
    ? matchAll([role.boundary], call, 'the permissions boundary')
    : []
  const ofKey = 'policy' in keyPolicy ? matchKeyPolicy(keyPolicy.policy, access) : []
  const all = [...own, ...boundary, ...ofKey]

  const denials = all.filter(({ statement }) => statement.effect === 'Deny')
  const denial = denials.find(({ verdict }) => verdict === 'yes')
  if (denial) {
    const data = { statement: denial.label, role: role.arn, keyArn }
    return [check('found', 'explicit-deny', 'DENIED', data)]
  }
  if (simulated?.organizationAllows === false) return [deniedByOrganization(access)]
  // The simulation also evaluates policies that we could not read.
  const decided = isDecided(simulated) ? simulated.decision : undefined
  if (role.incomplete !== undefined && decided === 'explicitDeny')
    return [deniedBySimulation(access)]
  const mayBeDenied =
    denials.some(({ verdict }) => verdict === 'maybe') ||
    (role.incomplete !== undefined && decided === undefined)
  const limit = boundaryVerdict(access, allowed(boundary))
  if (isGranted(access)) {
    const limits = limit === 'yes' ? [] : ['a permissions boundary may limit the grant']
    if (mayBeDenied || limits.length) return [reportUnknown(access, all, limits)]
    return [check('ok', 'access', 'GRANT_ALLOWS', { role: role.arn, keyArn })]
  }

  const roleVerdict = verdictOfRole(access, allowed(own))
  const { session, named, account, open } = keyPolicyVerdicts(ofKey, access)
  const keyAllows = best([session, named, account])
  const isOwnAccount = parseKeyArn(keyArn)!.account === role.account
  const result = isOwnAccount
    ? best([session, worst(best([named, worst(account, roleVerdict)]), limit)])
    : worst(keyAllows, roleVerdict, limit)

  if (keyAllows === 'no') {
    const also = !isOwnAccount && roleVerdict === 'no' ? [missingInRole(access, own)] : []
    return [missingInKeyPolicy(access, ofKey, roleVerdict), ...also]
  }
  if (result === 'no')
    return [
      limit === 'no' && isRead(role.boundary)
        ? missingInBoundary(access, role.boundary)
        : missingInRole(access, own),
    ]
  if (result === 'maybe' || mayBeDenied) {
    const lacks =
      roleVerdict === 'no' ? ['no policy of the role allows it, so the key policy must'] : []
    return [reportUnknown(access, all, [...lacks, ...open])]
  }
  // The simulation covers only the role's policies, which a principal that the key policy names does not need.
  const needsRole = !isOwnAccount || best([session, worst(named, limit)]) !== 'yes'
  if (needsRole && decided !== undefined && decided !== 'allowed')
    return [otherwiseSimulated(access, decided)]
  const { encryptionContext } = access
  return [check('ok', 'access', 'ACCESS_ALLOWED', { role: role.arn, keyArn, encryptionContext })]
}

const allowed = (matches: StatementMatch[]): Verdict =>
  best(matches.filter(({ statement }) => statement.effect === 'Allow').map((one) => one.verdict))

/** Returns the verdict of the role's policies, from IAM's simulation if not all could be read. */
function verdictOfRole({ role, simulated }: Access, read: Verdict): Verdict {
  if (role.incomplete === undefined) return read
  if (isDecided(simulated)) return simulated.decision === 'allowed' ? 'yes' : 'no'
  return read === 'no' ? 'maybe' : read
}

function boundaryVerdict({ role, simulated }: Access, read: Verdict): Verdict {
  if (role.boundary === undefined) return 'yes'
  if (isRead(role.boundary)) return read
  return simulated?.decision === 'allowed' ? 'yes' : 'maybe'
}

const isRead = (boundary: RoleFacts['boundary']): boundary is NamedPolicy =>
  boundary !== undefined && boundary !== 'unread'

/** Returns whether a real call would get the same decision as the simulation. */
const isDecided = (simulated: Simulation | undefined): simulated is Simulation =>
  simulated !== undefined && (simulated.decision === 'allowed' || !simulated.missing.length)

const matchAll = (
  policies: NamedPolicy[],
  call: Circumstances,
  kind = 'the policy',
): StatementMatch[] =>
  policies.flatMap(({ name, policy }) =>
    policy.statements.map((statement) => ({
      ...matchStatement(statement, policy, call),
      statement,
      policy,
      label: `${kind} ${name}${sid(statement)}`,
    })),
  )

const sid = (statement: Statement) => (statement.sid ? ` (Sid "${statement.sid}")` : '')

/** Matches the statements of a key policy that name the role or its account. */
const matchKeyPolicy = (policy: Policy, { role, session, call }: Access): StatementMatch[] =>
  policy.statements
    .filter((statement) => principalMatch(statement, principalOf(role, session)) !== 'none')
    .map((statement) => ({
      ...matchStatement(statement, policy, call),
      statement,
      policy,
      label: `the key policy${sid(statement)}`,
    }))

/** Whether the key policy allows the call by naming the session or the role, or through the account. */
interface KeyPolicyVerdicts {
  session: Verdict
  named: Verdict
  account: Verdict
  /** Reasons for uncertain verdicts, other than unknown condition keys. */
  open: string[]
}

function keyPolicyVerdicts(
  ofKey: StatementMatch[],
  { keyPolicy, role, session }: Access,
): KeyPolicyVerdicts {
  if (!('policy' in keyPolicy)) return { session: 'no', named: 'maybe', account: 'maybe', open: [] }
  const verdictOf = (how: PrincipalMatch) =>
    allowed(
      ofKey.filter(
        ({ statement }) => principalMatch(statement, principalOf(role, session)) === how,
      ),
    )
  const names = (matches: (principal: string) => boolean) => (statement: Statement) =>
    statement.effect === 'Allow' && (statement.principals?.['AWS'] ?? []).some(matches)
  // AWS does not document in all cases whether a boundary limits a statement for everyone.
  const isEveryone = names((one) => one === '*')
  const everyone = ofKey.filter((one) => one.verdict !== 'no' && isEveryone(one.statement))
  const isOfSession = names((one) => one.startsWith(principalOf(role, '').arn))
  const sessions = session === undefined ? keyPolicy.policy.statements.filter(isOfSession) : []
  return {
    session: best([verdictOf('session'), everyone.length || sessions.length ? 'maybe' : 'no']),
    named: verdictOf('named'),
    account: verdictOf('account'),
    open: [
      ...(everyone.length
        ? ['the key policy names everyone, and a permissions boundary may limit it']
        : []),
      ...(sessions.length ? ['the key policy names sessions of the role: give --function'] : []),
    ],
  }
}
