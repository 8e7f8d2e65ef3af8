import { parseKeyArn } from '../aws/key-arn.js'
import type { Statement } from './statement.js'

/** The statements of a key policy that let a role do its work, whatever its own policies say. */
export interface KeyPolicyPart {
  keyArn: string
  statements: Statement[]
}

/**
 * What the key policies must hold where they do not let the account's IAM policies decide. There
 * `Resource` is `*`: a key policy speaks of its own key alone.
 *
 * @param granted what the role's own policy needs; only what names keys concerns a key policy.
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
