import { roleArn, sessionArn, userArn } from '../arn.js'
import type { RoleRecord, SessionRecord, State } from '../account/state.js'
import type { Principal } from '../policy/evaluate.js'
import { parsePolicy } from '../policy/parse-policy.js'

/** The principal that signed a request, with its IAM policies. */
export interface Caller extends Principal {
  readonly userId: string
  readonly userName?: string
  readonly mfaPresent: boolean
  /** Milliseconds since 1970. Undefined for long-term credentials. */
  readonly tokenIssuedAt?: number
}

/** Returns the caller of an unsigned request. */
export const anonymous = (accountId: string): Caller => ({
  accountId,
  arn: 'anonymous',
  principalArn: 'anonymous',
  userId: 'anonymous',
  mfaPresent: false,
  identityPolicies: [],
})

export function callerOfUser(
  state: State,
  name: string,
  partition: string,
  session?: SessionRecord,
): Caller {
  const user = state.users.get(name)
  if (user === undefined) throw new Error(`no user ${name}`)
  const arn = userArn(partition, state.accountId, name)
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

export function callerOfSession(state: State, session: SessionRecord, partition: string): Caller {
  if (session.of.kind === 'user') return callerOfUser(state, session.of.name, partition, session)
  const { name, sessionName } = session.of
  const role = state.roles.get(name)
  if (role === undefined) throw new Error(`no role ${name}`)
  return {
    accountId: state.accountId,
    arn: sessionArn(partition, state.accountId, name, sessionName),
    principalArn: roleArn(partition, state.accountId, name),
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
