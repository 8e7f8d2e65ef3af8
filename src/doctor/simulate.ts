import type { IAMClient } from '@aws-sdk/client-iam'
import { contextConditions } from '@unplugin-kms/local-kms'
import { ask } from './ask.js'

/**
 * IAM's own word on the role's policies (it simulates no key policy for roles): `allowed`,
 * `explicitDeny` or `implicitDeny`; undefined where the caller may not ask.
 */
export async function simulate(
  iam: IAMClient,
  roleArn: string,
  keyArn: string,
  encryptionContext: Record<string, string>,
): Promise<string | undefined> {
  const { SimulatePrincipalPolicyCommand } = await import('@aws-sdk/client-iam')
  const entries = contextConditions(encryptionContext).flatMap(([name, value]) =>
    value === undefined
      ? []
      : [
          {
            ContextKeyName: name,
            ContextKeyType: Array.isArray(value) ? ('stringList' as const) : ('string' as const),
            ContextKeyValues: [value].flat(),
          },
        ],
  )
  const answer = await ask(() =>
    iam.send(
      new SimulatePrincipalPolicyCommand({
        PolicySourceArn: roleArn,
        ActionNames: ['kms:Decrypt'],
        ResourceArns: [keyArn],
        ContextEntries: entries,
      }),
    ),
  )
  return 'got' in answer ? answer.got.EvaluationResults?.[0]?.EvalDecision : undefined
}
