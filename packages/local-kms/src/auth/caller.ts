import { roleArn, sessionArn, userArn } from '../account/arn.js'
import type { RoleRecord, SessionRecord, State } from '../account/state.js'
import { parsePolicy, type Policy } from './policy.js'

/** Who signed a request, with the IAM policies that speak for them. */
export interface Caller {
  readonly accountId: string
  /** The user, or the role's session: what STS and the journal show. */
  readonly arn: string
  /** The user or the role: what policies name. */
  readonly principalArn: string
  readonly userId: string
  readonly userName?: string
  readonly mfaPresent: boolean
  /** Milliseconds since 1970; undefined for long-term credentials. */
  readonly tokenIssuedAt?: number
  readonly identityPolicies: readonly Policy[]
  /** What a role's own policies can allow at most. */
  readonly permissionsBoundary?: Policy
  readonly sessionPolicy?: Policy
  /** What an organization lets any principal of the account do at most. */
  readonly serviceControlPolicy?: Policy | undefined
}

/** Who sends a request that is not signed. */
export const anonymous = (accountId: string): Caller => ({
  accountId,
  arn: 'anonymous',
  principalArn: 'anonymous',
  userId: 'anonymous',
  mfaPresent: false,
  identityPolicies: [],
})

export function callerOfUser(state: State, name: string, session?: SessionRecord): Caller {
  const user = state.users.get(name)
  if (user === undefined) throw new Error(`no user ${name}`)
  const arn = userArn(state.accountId, name)
  return {
    accountId: state.accountId,
    arn,
    principalArn: arn,
    userId: user.userId,
    userName: name,
    mfaPresent: session?.mfaPresent ?? false,
    ...(session && { tokenIssuedAt: session.issuedAt }),
    identityPolicies: user.policies.map((text) => parsePolicy(text, 'identity')),
  }
}

export function callerOfSession(state: State, session: SessionRecord): Caller {
  if (session.of.kind === 'user') return callerOfUser(state, session.of.name, session)
  const { name, sessionName } = session.of
  const role = state.roles.get(name)
  if (role === undefined) throw new Error(`no role ${name}`)
  return {
    accountId: state.accountId,
    arn: sessionArn(state.accountId, name, sessionName),
    principalArn: roleArn(state.accountId, name),
    userId: `${role.roleId}:${sessionName}`,
    mfaPresent: session.mfaPresent,
    tokenIssuedAt: session.issuedAt,
    ...policiesOfRole(role),
    ...(session.sessionPolicy !== undefined && {
      sessionPolicy: parsePolicy(session.sessionPolicy, 'identity'),
    }),
  }
}

export function policiesOfRole({
  policies,
  attachedPolicies = [],
  permissionsBoundary,
}: RoleRecord): Pick<Caller, 'identityPolicies' | 'permissionsBoundary'> {
  const documents = [...policies, ...attachedPolicies.map(({ document }) => document)]
  return {
    identityPolicies: documents.map((text) => parsePolicy(text, 'identity')),
    ...(permissionsBoundary !== undefined && {
      permissionsBoundary: parsePolicy(permissionsBoundary.document, 'identity'),
    }),
  }
}
