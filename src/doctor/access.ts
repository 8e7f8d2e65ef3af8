import type { GrantListEntry } from '@aws-sdk/client-kms'
import type { Policy, Statement } from '@unplugin-kms/local-kms'
import { principalMatch } from '@unplugin-kms/local-kms'
import { parseKeyArn } from '../seal/key-arn.js'
import { check, type Check } from './check.js'
import { best, fit, worst, type Circumstances, type Fit, type Verdict } from './circumstances.js'
import { isGranted } from './grants.js'
import { missingInBoundary, missingInKeyPolicy, missingInRole, unknown } from './missing.js'
import { principalOf } from './principal.js'
import type { NamedPolicy, RoleFacts } from './role-policies.js'

/** One kms:Decrypt of one role, and all that is known of what decides it. */
export interface Access {
  role: RoleFacts
  /** The function's name, which its sessions bear. */
  session: string | undefined
  keyArn: string
  encryptionContext: Record<string, string>
  /** Or why it could not be read. */
  keyPolicy: { policy: Policy } | { why: string }
  /** Those of the key, or why they could not be read. */
  grants: { grants: GrantListEntry[] } | { why: string }
  /** What IAM's own simulation of the role's policies says, where it could be asked. */
  simulated: string | undefined
  call: Circumstances
}

/** A statement, with all that is to be said of it. */
export interface Judged extends Fit {
  statement: Statement
  policy: Policy
  /** How messages call it: `the policy orders-policy (Sid "Open")`. */
  called: string
}

/**
 * Puts the role's policies, its boundary and the key policy together as KMS does: an explicit Deny
 * wins; then the key policy must allow, by naming the role or by leaving it to the account, whose
 * policies then must allow too. A key of another account needs both. One thing is found, the cause.
 */
export function judge(access: Access): Check[] {
  const { role, keyArn, keyPolicy, call, simulated } = access
  const own = judgeAll(role.policies, call)
  const boundary = role.boundary ? judgeAll([role.boundary], call, 'the permissions boundary') : []
  const ofKey = 'policy' in keyPolicy ? judgeKeyPolicy(keyPolicy.policy, access) : []

  const denials = [...own, ...boundary, ...ofKey].filter(
    ({ statement }) => statement.effect === 'Deny',
  )
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

  const mayBeDenied = denials.some(({ verdict }) => verdict === 'maybe')
  if (!mayBeDenied && isGranted(access))
    return [check('ok', 'access', `a grant lets ${role.arn} decrypt with ${keyArn}`)]

  const allowed = (judged: Judged[]): Verdict =>
    best(judged.filter(({ statement }) => statement.effect === 'Allow').map((one) => one.verdict))
  const byRole = role.incomplete && !simulated ? worstOfPart(allowed(own)) : allowed(own)
  const roleSays = simulated && role.incomplete ? (simulated === 'allowed' ? 'yes' : 'no') : byRole
  const boundarySays = role.boundary && !(simulated && role.incomplete) ? allowed(boundary) : 'yes'
  const [named, account] = keySays(ofKey, access)
  const isOwnAccount = parseKeyArn(keyArn)!.account === role.account
  const keyAllows = best([named, account])
  const result = isOwnAccount
    ? best([worst(named, boundarySays), worst(account, roleSays, boundarySays)])
    : worst(keyAllows, roleSays, boundarySays)

  if (keyAllows === 'no') {
    const also = !isOwnAccount && roleSays === 'no' ? [missingInRole(access, own)] : []
    return [missingInKeyPolicy(access, ofKey, roleSays), ...also]
  }
  if (result === 'no') {
    if (boundarySays === 'no') return [missingInBoundary(access)]
    return [missingInRole(access, own)]
  }
  if (simulated && simulated !== 'allowed' && byRole === 'yes' && named !== 'yes') {
    return [
      check(
        'found',
        'simulation',
        `the policies of ${role.arn} allow kms:Decrypt with ${keyArn}, but IAM's simulation says ${simulated}: a service control policy of the organization does not let it`,
        { fix: 'ask who keeps the policies of the organization' },
      ),
    ]
  }
  if (result === 'maybe' || mayBeDenied) return [unknown(access, [...denials, ...own, ...ofKey])]
  return [check('ok', 'access', `${role.arn} may decrypt with ${keyArn}`)]
}

/** What was read allows, or what was not read may. */
const worstOfPart = (verdict: Verdict): Verdict => (verdict === 'no' ? 'maybe' : verdict)

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

/** Whether the key policy allows by naming the role, and by leaving it to the account. */
function keySays(ofKey: Judged[], { keyPolicy, role, session }: Access): [Verdict, Verdict] {
  if (!('policy' in keyPolicy)) return ['maybe', 'maybe']
  const says = (isAccount: boolean) =>
    best(
      ofKey
        .filter(({ statement }) => statement.effect === 'Allow')
        .filter(
          ({ statement }) =>
            (principalMatch(statement, principalOf(role, session)) === 'account') === isAccount,
        )
        .map(({ verdict }) => verdict),
    )
  return [says(false), says(true)]
}
