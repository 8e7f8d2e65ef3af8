import { parseArn } from '../arn.js'
import { matchesConditions, wildcardMatch, type RequestContext } from './conditions.js'
import type { Policy, PrincipalList, Statement } from './parse-policy.js'

/** A user or a role, with the policies that limit it. */
export interface Principal {
  readonly accountId: string
  /** The user or the role's session, as STS and CloudTrail show it. */
  readonly arn: string
  /** The user or the role, as policies name it. */
  readonly principalArn: string
  readonly identityPolicies: readonly Policy[]
  readonly permissionsBoundary?: Policy
  readonly sessionPolicy?: Policy
  readonly serviceControlPolicy?: Policy | undefined
}

/** An action that a caller wants to perform on a resource. */
export interface AuthorizationRequest {
  caller: Principal
  /** `kms:Decrypt` */
  action: string
  /** An ARN, or `*`. */
  resource: string
  context: RequestContext
  /** The resource-based policy: a key policy, or a role's trust policy. */
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
 * Evaluates policies as AWS does. An explicit Deny overrides any Allow. A key policy must allow the
 * action: either it names the caller, or it names the account (or its root), in which case an IAM
 * policy must allow the action too. For a key of another account, both policies must allow. A
 * service control policy limits all of these.
 *
 * @returns undefined if the action is allowed
 */
export function evaluate(request: AuthorizationRequest): Denial | undefined {
  const { caller, resourcePolicy } = request
  const { serviceControlPolicy: organization } = caller
  if (organization && hasStatement('Deny', organization, request))
    return 'explicit-deny-organization'
  if (organization && !hasStatement('Allow', organization, request)) return 'no-organization-allow'
  const identity = caller.identityPolicies
  if (identity.some((policy) => hasStatement('Deny', policy, request)))
    return 'explicit-deny-identity'
  const limits = [caller.sessionPolicy, caller.permissionsBoundary].filter((p) => p !== undefined)
  if (limits.some((policy) => hasStatement('Deny', policy, request)))
    return 'explicit-deny-identity'
  const within = limits.every((policy) => hasStatement('Allow', policy, request))
  const allowedByIam = within && identity.some((policy) => hasStatement('Allow', policy, request))
  if (resourcePolicy === undefined) return allowedByIam ? undefined : 'no-identity-allow'

  const named = resourcePolicy.statements.filter((s) => applies(s, resourcePolicy, request))
  const match = (effect: Statement['effect'], how: PrincipalMatch): boolean =>
    named.some((s) => s.effect === effect && principalMatch(s, caller) === how)

  if (match('Deny', 'named') || match('Deny', 'session') || match('Deny', 'account')) {
    return 'explicit-deny-resource'
  }
  const allowed = (['session', 'named', 'account'] as const).some((how) => match('Allow', how))
  if (allowed && isForeign(request)) return allowedByIam ? undefined : 'no-identity-allow'
  // Session policies and boundaries do not limit a statement that names the session itself.
  if (match('Allow', 'session') || (within && match('Allow', 'named'))) return undefined
  if (match('Allow', 'account')) return allowedByIam ? undefined : 'no-identity-allow'
  return within ? 'no-resource-allow' : 'no-identity-allow'
}

const isForeign = ({ resource, caller }: AuthorizationRequest): boolean =>
  ![caller.accountId, undefined].includes(parseArn(resource)?.accountId)

function hasStatement(
  effect: Statement['effect'],
  policy: Policy,
  request: AuthorizationRequest,
): boolean {
  return policy.statements.some((s) => s.effect === effect && applies(s, policy, request))
}

/** Checks whether a statement matches the action, the resource and the condition keys. */
export function applies(
  statement: Statement,
  policy: Policy,
  request: Pick<AuthorizationRequest, 'action' | 'resource' | 'context'>,
): boolean {
  const expand = (text: string): string =>
    policy.version === '2012-10-17' ? expandVariables(text, request.context) : text
  const action = (pattern: string): boolean =>
    wildcardMatch(request.action.toLowerCase(), pattern.toLowerCase())
  const resource = (pattern: string): boolean => wildcardMatch(request.resource, expand(pattern))
  return (
    (statement.actions?.some(action) ?? true) &&
    !statement.notActions?.some(action) &&
    (statement.resources?.some(resource) ?? true) &&
    !statement.notResources?.some(resource) &&
    matchesConditions(statement.conditions, request.context, expand)
  )
}

export type PrincipalMatch = 'none' | 'account' | 'named' | 'session'

export function principalMatch(
  statement: Statement,
  caller: Pick<Principal, 'accountId' | 'arn' | 'principalArn'>,
): PrincipalMatch {
  if (statement.notPrincipals !== undefined) {
    return listMatch(statement.notPrincipals, caller) === 'none' ? 'named' : 'none'
  }
  return statement.principals === undefined ? 'named' : listMatch(statement.principals, caller)
}

function listMatch(
  principals: PrincipalList,
  caller: Pick<Principal, 'accountId' | 'arn' | 'principalArn'>,
): PrincipalMatch {
  const names = principals['AWS'] ?? []
  if (names.includes('*')) return 'named'
  if (caller.arn !== caller.principalArn && names.includes(caller.arn)) return 'session'
  if (names.includes(caller.principalArn)) return 'named'
  const [, partition] = caller.principalArn.split(':')
  const root = `arn:${partition}:iam::${caller.accountId}:root`
  return names.includes(root) || names.includes(caller.accountId) ? 'account' : 'none'
}

/** Expands `${aws:username}` and `${aws:PrincipalTag/x, 'default'}`. Leaves unknown variables as they are. */
function expandVariables(text: string, context: RequestContext): string {
  return text.replace(/\$\{([^}]+)\}/g, (variable, inner: string) => {
    if (inner === '*' || inner === '?' || inner === '$') return inner
    const [, name = inner, fallback] = /^([^,]+),\s*'([^']*)'$/.exec(inner) ?? []
    const values = context.get(name.toLowerCase())
    return (values?.length === 1 ? values[0] : fallback) ?? variable
  })
}
