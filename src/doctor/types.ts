import type { GrantListEntry } from '@aws-sdk/client-kms'
import type { Policy, Statement } from '@unplugin-kms/local-kms/policy'
import type { Circumstances, MatchedParts } from './circumstances.js'
import type { RoleFacts } from './role-policies.js'
import type { Simulation } from './simulate.js'

/** A kms:Decrypt call of a role, with the policies that decide it. */
export interface Access {
  role: RoleFacts
  /** The name of the role session: the function's name. */
  session: string | undefined
  keyArn: string
  encryptionContext: Record<string, string>
  /** The key policy, or why it could not be read. */
  keyPolicy: { policy: Policy } | { why: string }
  /** The key's grants, or why they could not be read. */
  grants: { grants: GrantListEntry[] } | { why: string }
  /** Undefined if the caller may not simulate. */
  simulated: Simulation | undefined
  call: Circumstances
}

/** A policy statement and how it matches a call. */
export interface StatementMatch extends MatchedParts {
  statement: Statement
  policy: Policy
  /** Its name in messages: `the policy orders-policy (Sid "Open")`. */
  label: string
}
