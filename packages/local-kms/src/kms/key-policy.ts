import { parseArn, partitionOf, rootArn } from '../arn.js'
import { callContext } from '../auth/call-context.js'
import { requestContext } from '../policy/conditions.js'
import { evaluate } from '../policy/evaluate.js'
import { malformed, parsePolicy, type Policy } from '../policy/parse-policy.js'
import { AwsError } from '../errors.js'
import { boolean, required, string } from '../protocol/schema.js'
import type { Call } from '../protocol/call.js'
import { operation } from '../protocol/service.js'
import { authorizeKey } from './authorize.js'
import { findKeyById } from './find-key.js'
import type { FoundKey } from './found-key.js'
import * as m from './members.js'

const MAX_POLICY_BYTES = 32_768
const POLICY_NAME = string({ min: 1, max: 128, pattern: /^\w+$/ })

/** Returns the default key policy, which delegates to the account's IAM policies. */
export function defaultKeyPolicy(accountId: string, region: string): string {
  const document = {
    Version: '2012-10-17',
    Id: 'key-default-1',
    Statement: [
      {
        Sid: 'Enable IAM User Permissions',
        Effect: 'Allow',
        Principal: { AWS: rootArn(partitionOf(region), accountId) },
        Action: 'kms:*',
        Resource: '*',
      },
    ],
  }
  return JSON.stringify(document, null, 2)
}

/**
 * Checks a new key policy: its syntax, that its principals exist, and, unless bypassed, that the
 * caller can still change it afterwards.
 *
 * @throws AwsError MalformedPolicyDocument- or LimitExceededException
 */
export function checkKeyPolicy(
  call: Call,
  { arn }: FoundKey,
  text: string,
  bypassLockoutCheck = false,
): void {
  if (Buffer.byteLength(text) > MAX_POLICY_BYTES) {
    throw new AwsError('LimitExceededException', 'Policy exceeds the maximum size of 32768 bytes.')
  }
  const policy = parsePolicy(text, 'resource')
  if (!principalsExist(call, policy)) {
    throw malformed('Policy contains a statement with one or more invalid principals.')
  }
  if (bypassLockoutCheck) return
  const denial = evaluate({
    caller: call.caller,
    action: 'kms:PutKeyPolicy',
    resource: arn,
    resourcePolicy: policy,
    context: requestContext([
      ...callContext(call),
      ['kms:CallerAccount', call.caller.accountId],
      ['kms:ViaService', call.viaService],
    ]),
  })
  if (denial !== undefined) {
    throw malformed('The new key policy will not allow you to update the key policy in the future.')
  }
}

const principalsExist = (call: Call, { statements }: Policy): boolean =>
  statements.every(({ principals, notPrincipals }) =>
    checkPrincipals(
      call,
      [...(principals?.['AWS'] ?? []), ...(notPrincipals?.['AWS'] ?? [])],
      true,
    ),
  )

/**
 * Checks that principals have the partition of the call's region, and that IAM has those of the
 * call's account.
 */
export function checkPrincipals(
  call: Call,
  principals: readonly string[],
  inPolicy = false,
): boolean {
  const { state } = call.account
  return principals.every((principal) => {
    if (inPolicy && (principal === '*' || /^\d{12}$/.test(principal))) return true
    const arn = parseArn(principal)
    if (arn === undefined || !/^\d{12}$/.test(arn.accountId)) return false
    if (arn.partition !== partitionOf(call.region)) return false
    const [kind = '', name = ''] = arn.resource.split('/')
    const isOwn = arn.accountId === state.accountId
    if (arn.service === 'sts') return kind === 'assumed-role' && (!isOwn || state.roles.has(name))
    if (arn.service !== 'iam') return false
    if (arn.resource === 'root') return true
    if (!isOwn) return kind === 'user' || kind === 'role'
    return kind === 'user' ? state.users.has(name) : kind === 'role' && state.roles.has(name)
  })
}

export const GetKeyPolicy = operation(
  { KeyId: m.keyId, PolicyName: POLICY_NAME },
  (call, { KeyId, PolicyName = 'default' }) => {
    const found = findKeyById(call, KeyId)
    authorizeKey(call, 'GetKeyPolicy', found)
    requireDefault(PolicyName)
    return { Policy: found.key.policy, PolicyName }
  },
)

export const PutKeyPolicy = operation(
  {
    KeyId: m.keyId,
    PolicyName: POLICY_NAME,
    Policy: required(m.policy),
    BypassPolicyLockoutSafetyCheck: boolean(),
  },
  (call, { KeyId, PolicyName = 'default', Policy, BypassPolicyLockoutSafetyCheck: bypass }) => {
    const found = findKeyById(call, KeyId)
    authorizeKey(call, 'PutKeyPolicy', found, [
      ['kms:BypassPolicyLockoutSafetyCheck', bypass ?? false],
    ])
    requireDefault(PolicyName)
    checkKeyPolicy(call, found, Policy, bypass)
    found.key.policy = Policy
    call.account.save()
  },
)

function requireDefault(policyName: string): void {
  if (policyName !== 'default') throw new AwsError('NotFoundException', 'No such policy exists')
}
