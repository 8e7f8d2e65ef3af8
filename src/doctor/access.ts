import type { Policy, Statement } from '@unplugin-kms/local-kms/policy'
import { principalMatch, type PrincipalMatch } from '@unplugin-kms/local-kms/policy'
import { parseKeyArn } from '../aws/key-arn.js'
import { check, type Check } from './check.js'
import { best, fit, worst, type Circumstances, type Verdict } from './circumstances.js'
import { isGranted } from './grants.js'
import {
  deniedByOrganization,
  deniedBySimulation,
  missingInBoundary,
  missingInKeyPolicy,
  missingInRole,
  otherwiseSimulated,
  unknown,
} from './missing.js'
import { principalOf } from './principal.js'
import type { NamedPolicy, RoleFacts } from './role-policies.js'
import type { Simulation } from './simulate.js'
import type { Access, Judged } from './types.js'

/**
 * Puts the role's policies, its boundary and the key policy together as KMS does: an explicit Deny
 * wins; then the key policy must allow, by naming the role or by leaving it to the account, whose
 * policies then must allow too. A key of another account needs both. One thing is found, the cause.
 */
export function judge(access: Access): Check[] {
  const { role, keyArn, keyPolicy, call, simulated } = access
  const own = judgeAll(role.policies, call)
  const boundary = isRead(role.boundary)
    ? judgeAll([role.boundary], call, 'the permissions boundary')
    : []
  const ofKey = 'policy' in keyPolicy ? judgeKeyPolicy(keyPolicy.policy, access) : []
  const all = [...own, ...boundary, ...ofKey]

  const denials = all.filter(({ statement }) => statement.effect === 'Deny')
  const denial = denials.find(({ verdict }) => verdict === 'yes')
  if (denial) {
    return [
      check(
        'found',
        'explicit-deny',
        `${denial.called} denies ${role.arn} kms:Decrypt with ${keyArn}; a Deny outdoes every Allow`,
        { fix: 'narrow that statement or take it away' },
      ),
    ]
  }
  if (simulated?.organizationAllows === false) return [deniedByOrganization(access)]
  // Of policies that could not be read the simulation knows.
  const decided = isDecided(simulated) ? simulated.decision : undefined
  if (role.incomplete !== undefined && decided === 'explicitDeny')
    return [deniedBySimulation(access)]
  const mayBeDenied =
    denials.some(({ verdict }) => verdict === 'maybe') ||
    (role.incomplete !== undefined && decided === undefined)
  const limit = boundarySays(access, allowed(boundary))
  if (isGranted(access)) {
    const limits = limit === 'yes' ? [] : ['a permissions boundary may limit the grant']
    if (mayBeDenied || limits.length) return [unknown(access, all, limits)]
    return [check('ok', 'access', `a grant lets ${role.arn} decrypt with ${keyArn}`)]
  }

  const says = roleSays(access, allowed(own))
  const { session, named, account, open } = keySays(ofKey, access)
  const keyAllows = best([session, named, account])
  const isOwnAccount = parseKeyArn(keyArn)!.account === role.account
  const result = isOwnAccount
    ? best([session, worst(best([named, worst(account, says)]), limit)])
    : worst(keyAllows, says, limit)

  if (keyAllows === 'no') {
    const also = !isOwnAccount && says === 'no' ? [missingInRole(access, own)] : []
    return [missingInKeyPolicy(access, ofKey, says), ...also]
  }
  if (result === 'no')
    return [
      limit === 'no' && isRead(role.boundary)
        ? missingInBoundary(access, role.boundary)
        : missingInRole(access, own),
    ]
  if (result === 'maybe' || mayBeDenied) {
    const lacks =
      says === 'no' ? ['no policy of the role allows it, so that the key policy must'] : []
    return [unknown(access, all, [...lacks, ...open])]
  }
  // Whom the key policy names needs no policy of his own, which is all that is simulated.
  const needsRole = !isOwnAccount || best([session, worst(named, limit)]) !== 'yes'
  if (needsRole && decided !== undefined && decided !== 'allowed')
    return [otherwiseSimulated(access, decided)]
  return [check('ok', 'access', mayOpen(access))]
}

const mayOpen = ({ role, keyArn, encryptionContext }: Access) =>
  `${role.arn} may decrypt with ${keyArn} and the context ${JSON.stringify(encryptionContext)}`

const allowed = (judged: Judged[]): Verdict =>
  best(judged.filter(({ statement }) => statement.effect === 'Allow').map((one) => one.verdict))

/** What was read of the role's policies says; where that is not all, IAM's simulation of all. */
function roleSays({ role, simulated }: Access, read: Verdict): Verdict {
  if (role.incomplete === undefined) return read
  if (isDecided(simulated)) return simulated.decision === 'allowed' ? 'yes' : 'no'
  return read === 'no' ? 'maybe' : read
}

function boundarySays({ role, simulated }: Access, read: Verdict): Verdict {
  if (role.boundary === undefined) return 'yes'
  if (isRead(role.boundary)) return read
  return simulated?.decision === 'allowed' ? 'yes' : 'maybe'
}

const isRead = (boundary: RoleFacts['boundary']): boundary is NamedPolicy =>
  boundary !== undefined && boundary !== 'unread'

/** Whether a real call would be decided alike. */
const isDecided = (simulated: Simulation | undefined): simulated is Simulation =>
  simulated !== undefined && (simulated.decision === 'allowed' || !simulated.missing.length)

const judgeAll = (policies: NamedPolicy[], call: Circumstances, kind = 'the policy'): Judged[] =>
  policies.flatMap(({ name, policy }) =>
    policy.statements.map((statement) => ({
      ...fit(statement, policy, call),
      statement,
      policy,
      called: `${kind} ${name}${sid(statement)}`,
    })),
  )

const sid = (statement: Statement) => (statement.sid ? ` (Sid "${statement.sid}")` : '')

/** The statements of a key policy that speak of the role or of its account. */
const judgeKeyPolicy = (policy: Policy, { role, session, call }: Access): Judged[] =>
  policy.statements
    .filter((statement) => principalMatch(statement, principalOf(role, session)) !== 'none')
    .map((statement) => ({
      ...fit(statement, policy, call),
      statement,
      policy,
      called: `the key policy${sid(statement)}`,
    }))

interface KeySays {
  /** By naming the session, by naming the role, or by leaving it to the account. */
  session: Verdict
  named: Verdict
  account: Verdict
  /** What it hangs on beside condition keys. */
  open: string[]
}

/** Whether and how the key policy allows. */
function keySays(ofKey: Judged[], { keyPolicy, role, session }: Access): KeySays {
  if (!('policy' in keyPolicy)) return { session: 'no', named: 'maybe', account: 'maybe', open: [] }
  const says = (how: PrincipalMatch) =>
    allowed(
      ofKey.filter(
        ({ statement }) => principalMatch(statement, principalOf(role, session)) === how,
      ),
    )
  const names = (matches: (principal: string) => boolean) => (statement: Statement) =>
    statement.effect === 'Allow' && (statement.principals?.['AWS'] ?? []).some(matches)
  // Whether a boundary limits what everyone is allowed is written nowhere for all cases.
  const isEveryone = names((one) => one === '*')
  const everyone = ofKey.filter((one) => one.verdict !== 'no' && isEveryone(one.statement))
  const isOfSession = names((one) => one.startsWith(principalOf(role, '').arn))
  const sessions = session === undefined ? keyPolicy.policy.statements.filter(isOfSession) : []
  return {
    session: best([says('session'), everyone.length || sessions.length ? 'maybe' : 'no']),
    named: says('named'),
    account: says('account'),
    open: [
      ...(everyone.length
        ? ['the key policy names everyone, and a permissions boundary may limit it']
        : []),
      ...(sessions.length ? ['the key policy names sessions of the role: give --function'] : []),
    ],
  }
}
