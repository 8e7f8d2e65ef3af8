import { AwsError } from '../errors.js'
import type { Call } from '../protocol/call.js'
import { callContext } from './call-context.js'
import { requestContext } from '../policy/conditions.js'
import { evaluate, type Denial } from '../policy/evaluate.js'

/** Condition keys of an operation, in addition to the global condition keys. */
export type Conditions = Iterable<
  [string, string | number | boolean | readonly string[] | undefined]
>

/**
 * Checks a permission that depends on IAM policies only.
 *
 * @param action `ssm:GetParameter`
 * @param resource an ARN, or `*` for actions without a resource
 * @throws AwsError AccessDeniedException
 */
export function authorizeByIam(
  call: Call,
  action: string,
  resource: string,
  conditions: Conditions = [],
): void {
  const context = requestContext([...callContext(call), ...conditions])
  const denial = evaluate({ caller: call.caller, action, resource, context })
  if (denial !== undefined) throw denied(call, action, denial, `resource: ${resource}`)
}

const REASONS: Readonly<Record<Denial, (action: string) => string>> = {
  'explicit-deny-organization': () => 'with an explicit deny in a service control policy',
  'no-organization-allow': (action) =>
    `because no service control policy allows the ${action} action`,
  'explicit-deny-identity': () => 'with an explicit deny in an identity-based policy',
  'explicit-deny-resource': () => 'with an explicit deny in a resource-based policy',
  'no-identity-allow': (action) => `because no identity-based policy allows the ${action} action`,
  'no-resource-allow': (action) => `because no resource-based policy allows the ${action} action`,
}

/** Returns AccessDeniedException with AWS's message. */
export function denied(
  call: Call,
  action: string,
  denial: Denial,
  resource: string,
  reason = REASONS[denial](action),
): AwsError {
  return new AwsError(
    'AccessDeniedException',
    `User: ${call.caller.arn} is not authorized to perform: ${action} on ${resource} ${reason}`,
    { messageField: 'Message' },
  )
}
