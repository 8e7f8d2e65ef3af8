import type { IAMClient } from '@aws-sdk/client-iam'
import { ask } from './ask.js'
import type { Circumstances } from './circumstances.js'

/** IAM's simulation of a role's policies. It does not simulate key policies for roles. */
export interface Simulation {
  decision: 'allowed' | 'explicitDeny' | 'implicitDeny'
  /** Whether the service control policies allow it; undefined outside an organization. */
  organizationAllows?: boolean
  /** Condition keys of the policies whose values only a real call has. */
  missing: string[]
}

/** The condition keys that are not strings. */
const TYPES: Record<string, 'boolean' | 'date' | 'stringList'> = {
  'aws:currenttime': 'date',
  'aws:securetransport': 'boolean',
  'aws:viaawsservice': 'boolean',
  'kms:encryptioncontextkeys': 'stringList',
  'kms:multiregion': 'boolean',
  'kms:resourcealiases': 'stringList',
}

/** Simulates the call. @returns undefined if the caller may not. */
export async function simulate(
  iam: IAMClient,
  roleArn: string,
  { action, resource, context, isKnown }: Circumstances,
): Promise<Simulation | undefined> {
  const { SimulatePrincipalPolicyCommand } = await import('@aws-sdk/client-iam')
  const answer = await ask(() =>
    iam.send(
      new SimulatePrincipalPolicyCommand({
        PolicySourceArn: roleArn,
        ActionNames: [action],
        ResourceArns: [resource],
        ContextEntries: [...context].map(([name, values]) => ({
          ContextKeyName: name,
          ContextKeyType: TYPES[name] ?? 'string',
          ContextKeyValues: [...values],
        })),
      }),
    ),
  )
  const result = 'got' in answer ? answer.got.EvaluationResults?.[0] : undefined
  if (!result) return undefined
  const { EvalDecision, OrganizationsDecisionDetail, ResourceSpecificResults = [] } = result
  const organizationAllows = OrganizationsDecisionDetail?.AllowedByOrganizations
  return {
    decision: EvalDecision!,
    ...(organizationAllows !== undefined && { organizationAllows }),
    // With a resource, IAM lists missing keys in the result of that resource.
    missing: [result, ...ResourceSpecificResults]
      .flatMap(({ MissingContextValues = [] }) => MissingContextValues)
      .filter((key) => !isKnown(key)),
  }
}
