import { partitionOf, roleArn, sessionArn } from '../arn.js'
import type { SessionRecord } from '../account/state.js'
import { callContext } from '../auth/call-context.js'
import { requestContext } from '../policy/conditions.js'
import { evaluate } from '../policy/evaluate.js'
import { parsePolicy } from '../policy/parse-policy.js'
import { issueSession } from '../auth/principals.js'
import { AwsError } from '../errors.js'
import { numeral, required, string, unsupported } from '../protocol/schema.js'
import { operation, type Operations } from '../protocol/service.js'
import { verifyMfa } from './mfa.js'

const MFA = {
  SerialNumber: string({ min: 9, max: 256, pattern: /^[\w+=/:,.@-]*$/ }),
  TokenCode: string({ min: 6, max: 6, pattern: /^\d*$/ }),
}

/** Needs no permission in AWS either. */
const GetCallerIdentity = operation({}, ({ caller }) => ({
  Arn: caller.arn,
  UserId: caller.userId,
  Account: caller.accountId,
}))

const GetSessionToken = operation(
  {
    ...MFA,
    DurationSeconds: numeral({ min: 900, max: 129_600 }),
    MinimumSessionTokenSize: unsupported(),
  },
  (call, { SerialNumber, TokenCode, DurationSeconds: durationSeconds = 43_200 }) => {
    const { userName, tokenIssuedAt } = call.caller
    if (userName === undefined || tokenIssuedAt !== undefined) {
      throw new AwsError(
        'AccessDeniedException',
        'Cannot call GetSessionToken with session credentials',
      )
    }
    const mfaPresent = verifyMfa(call, SerialNumber, TokenCode)
    const of = { kind: 'user' as const, name: userName }
    const session = issueSession(
      call.account,
      { of, mfaPresent },
      { now: call.now, durationSeconds },
    )
    return { Credentials: credentials(session) }
  },
)

const AssumeRole = operation(
  {
    RoleArn: required(string({ min: 20, max: 2048 })),
    RoleSessionName: required(string({ min: 2, max: 64, pattern: /^[\w+=,.@-]*$/ })),
    DurationSeconds: numeral({ min: 900, max: 43_200 }),
    ExternalId: string({ min: 2, max: 1224 }),
    Policy: string({ min: 1 }),
    PolicyArns: unsupported(),
    Tags: unsupported(),
    TransitiveTagKeys: unsupported(),
    SourceIdentity: unsupported(),
    ProvidedContexts: unsupported(),
    MinimumSessionTokenSize: unsupported(),
    ...MFA,
  },
  (call, input) => {
    const { RoleArn, RoleSessionName: sessionName, DurationSeconds: seconds = 3600 } = input
    call.entry.resource = RoleArn
    const mfaPresent = verifyMfa(call, input.SerialNumber, input.TokenCode)
    const role = [...call.account.state.roles.values()].find(
      ({ name }) => roleArn(partitionOf(call.region), call.account.id, name) === RoleArn,
    )
    const context = requestContext([
      ...callContext(call),
      ['sts:ExternalId', input.ExternalId],
      ['sts:RoleSessionName', sessionName],
      ...(mfaPresent ? [['aws:MultiFactorAuthPresent', true] as [string, boolean]] : []),
    ])
    const denial =
      role === undefined ||
      evaluate({
        caller: call.caller,
        action: 'sts:AssumeRole',
        resource: RoleArn,
        resourcePolicy: parsePolicy(role.trustPolicy, 'trust'),
        context,
      })
    if (role === undefined || denial !== undefined) {
      throw new AwsError(
        'AccessDeniedException',
        `User: ${call.caller.arn} is not authorized to perform: sts:AssumeRole on resource: ${RoleArn}`,
      )
    }
    if (seconds > 3600) {
      throw new AwsError(
        'ValidationException',
        'The requested DurationSeconds exceeds the MaxSessionDuration set for this role.',
      )
    }
    if (input.Policy !== undefined) parsePolicy(input.Policy, 'identity')
    const session = issueSession(
      call.account,
      {
        of: { kind: 'role', name: role.name, sessionName },
        mfaPresent: false,
        ...(input.Policy !== undefined && { sessionPolicy: input.Policy }),
      },
      { now: call.now, durationSeconds: seconds },
    )
    return {
      AssumedRoleUser: {
        AssumedRoleId: `${role.roleId}:${sessionName}`,
        Arn: sessionArn(partitionOf(call.region), call.account.id, role.name, sessionName),
      },
      Credentials: credentials(session),
    }
  },
)

/** The operations of STS. */
export const stsOperations = { GetCallerIdentity, GetSessionToken, AssumeRole } satisfies Operations

/** Returns a session as `Credentials` of the answers. */
export const credentials = (session: SessionRecord): object => ({
  AccessKeyId: session.accessKeyId,
  SecretAccessKey: session.secretAccessKey,
  SessionToken: session.sessionToken,
  Expiration: new Date(session.expiresAt),
})
