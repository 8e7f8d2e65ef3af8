import type { Opening } from './openings.js'
import { decryptStatements } from './runtime-policy.js'
import type { Statement } from './statement.js'

/** The statement of a key policy that lets a role open, whatever its own policies say. */
export interface KeyPolicyPart {
  keyArn: string
  statements: Statement[]
}

/**
 * What the key policies must hold where they do not let the account's IAM policies decide. There
 * `Resource` is `*`: a key policy speaks of its own key alone.
 *
 * @param principal the role's ARN.
 */
export function keyPolicyParts(openings: Opening[], principal: string): KeyPolicyPart[] {
  const byKey = new Map<string, Opening[]>()
  for (const opening of openings)
    byKey.set(opening.keyArn, [...(byKey.get(opening.keyArn) ?? []), opening])
  return [...byKey].map(([keyArn, own]) => ({
    keyArn,
    statements: decryptStatements(own).map(({ Sid, Effect, Action, Condition }) => ({
      Sid,
      Effect,
      Principal: { AWS: principal },
      Action,
      Resource: '*',
      ...(Condition && { Condition }),
    })),
  }))
}
