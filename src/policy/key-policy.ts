import { parseKeyArn } from '../aws/key-arn.js'
import type { Statement } from './statement.js'

/** Statements of a key policy that allow a role's calls. */
export interface KeyPolicyPart {
  keyArn: string
  statements: Statement[]
}

/**
 * Returns the statements that key policies need if they do not let the account's IAM policies decide.
 * `Resource` is `*`, because a key policy applies to its own key only.
 *
 * @param granted statements of the role's policy. Those without key ARNs are ignored.
 * @param principal the role's ARN.
 */
export function keyPolicyParts(granted: Statement[], principal: string): KeyPolicyPart[] {
  const byKey = new Map<string, Statement[]>()
  for (const { Sid, Effect, Action, Resource, Condition } of granted) {
    for (const keyArn of [Resource].flat().filter(parseKeyArn)) {
      const statement: Statement = {
        Sid,
        Effect,
        Principal: { AWS: principal },
        Action,
        Resource: '*',
        ...(Condition && { Condition }),
      }
      byKey.set(keyArn, [...(byKey.get(keyArn) ?? []), statement])
    }
  }
  return [...byKey].map(([keyArn, statements]) => ({ keyArn, statements }))
}
