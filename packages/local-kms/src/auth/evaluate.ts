import { parseArn } from '../account/arn.js'
import { conditionsHold, wildcardMatch, type RequestContext } from './conditions.js'
import type { Caller } from './caller.js'
import type { Policy, PrincipalList, Statement } from './policy.js'

/** What is asked: may this caller do `action` (`kms:Decrypt`) to `resource` (an ARN, or `*`)? */
export interface Question {
  caller: Caller
  action: string
  resource: string
  context: RequestContext
  /** The resource's own policy: a key policy, or a role's trust policy. */
  resourcePolicy?: Policy
}

export type Denial =
  | 'explicit-deny-organization'
  | 'no-organization-allow'
  | 'explicit-deny-identity'
  | 'explicit-deny-resource'
  | 'no-identity-allow'
  | 'no-resource-allow'

/**
 * Decides as KMS does for a key of the caller's own account: an explicit deny anywhere wins; then
 * the key policy must allow, either by naming the caller or by letting the account's IAM policies
 * decide (its principal is the account or its root), and then one of those must allow too. For a key
 * of another account both must allow, whichever way the key policy does. A service control policy of
 * the caller's organization limits all of it.
 *
 * @returns undefined when allowed
 */
export function evaluate(question: Question): Denial | undefined {
  const { caller, resourcePolicy } = question
  const { serviceControlPolicy: organization } = caller
  if (organization && says('Deny', organization, question)) return 'explicit-deny-organization'
  if (organization && !says('Allow', organization, question)) return 'no-organization-allow'
  const identity = caller.identityPolicies
  if (identity.some((policy) => says('Deny', policy, question))) return 'explicit-deny-identity'
  const limits = [caller.sessionPolicy, caller.permissionsBoundary].filter((p) => p !== undefined)
  if (limits.some((policy) => says('Deny', policy, question))) return 'explicit-deny-identity'
  const within = limits.every((policy) => says('Allow', policy, question))
  const allowedByIam = within && identity.some((policy) => says('Allow', policy, question))
  if (resourcePolicy === undefined) return allowedByIam ? undefined : 'no-identity-allow'

  const named = resourcePolicy.statements.filter((s) => applies(s, resourcePolicy, question))
  const match = (effect: Statement['effect'], how: PrincipalMatch): boolean =>
    named.some((s) => s.effect === effect && principalMatch(s, caller) === how)

  if (match('Deny', 'named') || match('Deny', 'session') || match('Deny', 'account')) {
    return 'explicit-deny-resource'
  }
  const allowed = (['session', 'named', 'account'] as const).some((how) => match('Allow', how))
  if (allowed && isForeign(question)) return allowedByIam ? undefined : 'no-identity-allow'
  // A statement that names the session itself is not narrowed by the session's policy or a boundary.
  if (match('Allow', 'session') || (within && match('Allow', 'named'))) return undefined
  if (match('Allow', 'account')) return allowedByIam ? undefined : 'no-identity-allow'
  return within ? 'no-resource-allow' : 'no-identity-allow'
}

const isForeign = ({ resource, caller }: Question): boolean =>
  ![caller.accountId, undefined].includes(parseArn(resource)?.accountId)

function says(effect: Statement['effect'], policy: Policy, question: Question): boolean {
  return policy.statements.some((s) => s.effect === effect && applies(s, policy, question))
}

/** Whether a statement speaks of the action, the resource and the circumstances. */
export function applies(
  statement: Statement,
  policy: Policy,
  question: Pick<Question, 'action' | 'resource' | 'context'>,
): boolean {
  const expand = (text: string): string =>
    policy.version === '2012-10-17' ? expandVariables(text, question.context) : text
  const action = (pattern: string): boolean =>
    wildcardMatch(question.action.toLowerCase(), pattern.toLowerCase())
  const resource = (pattern: string): boolean => wildcardMatch(question.resource, expand(pattern))
  return (
    (statement.actions?.some(action) ?? true) &&
    !statement.notActions?.some(action) &&
    (statement.resources?.some(resource) ?? true) &&
    !statement.notResources?.some(resource) &&
    conditionsHold(statement.conditions, question.context, expand)
  )
}

export type PrincipalMatch = 'none' | 'account' | 'named' | 'session'

export function principalMatch(
  statement: Statement,
  caller: Pick<Caller, 'accountId' | 'arn' | 'principalArn'>,
): PrincipalMatch {
  if (statement.notPrincipals !== undefined) {
    return listMatch(statement.notPrincipals, caller) === 'none' ? 'named' : 'none'
  }
  return statement.principals === undefined ? 'named' : listMatch(statement.principals, caller)
}

function listMatch(
  principals: PrincipalList,
  caller: Pick<Caller, 'accountId' | 'arn' | 'principalArn'>,
): PrincipalMatch {
  const names = principals['AWS'] ?? []
  if (names.includes('*')) return 'named'
  if (caller.arn !== caller.principalArn && names.includes(caller.arn)) return 'session'
  if (names.includes(caller.principalArn)) return 'named'
  const [, partition] = caller.principalArn.split(':')
  const root = `arn:${partition}:iam::${caller.accountId}:root`
  return names.includes(root) || names.includes(caller.accountId) ? 'account' : 'none'
}

/** `${aws:username}`, `${aws:PrincipalTag/x, 'default'}`; an unknown one matches nothing. */
function expandVariables(text: string, context: RequestContext): string {
  return text.replace(/\$\{([^}]+)\}/g, (whole, inner: string) => {
    if (inner === '*' || inner === '?' || inner === '$') return inner
    const [, name = inner, fallback] = /^([^,]+),\s*'([^']*)'$/.exec(inner) ?? []
    const values = context.get(name.toLowerCase())
    return (values?.length === 1 ? values[0] : fallback) ?? whole
  })
}
