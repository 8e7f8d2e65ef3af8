import type { GrantListEntry } from '@aws-sdk/client-kms'
import type { Policy, Statement } from '@unplugin-kms/local-kms/policy'
import type { Circumstances, Fit } from './circumstances.js'
import type { RoleFacts } from './role-policies.js'
import type { Simulation } from './simulate.js'

/** One kms:Decrypt of one role, and all that is known of what decides it. */
export interface Access {
  role: RoleFacts
  /** The function's name, which its sessions bear. */
  session: string | undefined
  keyArn: string
  encryptionContext: Record<string, string>
  /** Or why it could not be read. */
  keyPolicy: { policy: Policy } | { why: string }
  /** Those of the key, or why they could not be read. */
  grants: { grants: GrantListEntry[] } | { why: string }
  /** Where it could be asked. */
  simulated: Simulation | undefined
  call: Circumstances
}

/** A statement, with all that is to be said of it. */
export interface Judged extends Fit {
  statement: Statement
  policy: Policy
  /** How messages call it: `the policy orders-policy (Sid "Open")`. */
  called: string
}
