import type { Text } from './message-text.js'

/** One kms:Decrypt of one role. */
export interface DecryptCall {
  role: string
  keyArn: string
}
type WithContext = DecryptCall & { encryptionContext: Record<string, string> }
/** Why grants could not be read. Findings that a grant could change mention it. */
export interface GrantsUnread {
  grantsUnread?: string
}

const unlessGranted = ({ grantsUnread }: GrantsUnread) =>
  grantsUnread === undefined ? '' : ` (unless a grant allows it: ${grantsUnread})`

const TO_ROLE = 'add to the policies of the role:'

export const ACCESS_MESSAGES = {
  ROLE_READ: ({ role, policies }: { role: string; policies: string[] }): Text => ({
    says: `the policies of ${role} were read: ${policies.join(', ') || 'none'}`,
  }),
  ROLE_UNREAD: ({ role, reason }: { role: string; reason: string }): Text => ({
    says: `not all policies of ${role} could be read: ${reason}`,
  }),
  ROLE_MISSING: ({ role }: { role: string }): Text => ({
    says: `the role ${role} does not exist`,
    fix: 'a function shows its role: npx unplugin-kms doctor --function NAME, or aws iam list-roles',
  }),
  DENIED: ({ statement, role, keyArn }: DecryptCall & { statement: string }): Text => ({
    says: `${statement} denies ${role} kms:Decrypt with ${keyArn}; an explicit Deny overrides any Allow`,
    fix: 'narrow that statement or remove it',
  }),
  ORGANIZATION_DENIES: ({ role, keyArn }: DecryptCall): Text => ({
    says: `according to IAM's simulation, a service control policy of the organization does not allow ${role} kms:Decrypt with ${keyArn}`,
    fix: 'ask the administrator of the organization',
  }),
  SIMULATION_DENIES: ({ role, keyArn }: DecryptCall): Text => ({
    says: `according to IAM's simulation (explicitDeny), a policy of ${role} that could not be read denies kms:Decrypt with ${keyArn}`,
    fix: "ask the administrator of the role's policies; an explicit Deny overrides any Allow",
  }),
  SIMULATION_DIFFERS: ({ role, keyArn, decision }: DecryptCall & { decision: string }): Text => ({
    says: `the policies that were read allow ${role} kms:Decrypt with ${keyArn}, but IAM's simulation returns ${decision}`,
  }),
  SIMULATION_LACKS: (data: WithContext & GrantsUnread & { decision: string }): Text => ({
    says: `IAM's simulation of ${data.role} returns ${data.decision} for kms:Decrypt with ${data.keyArn} and the context ${JSON.stringify(data.encryptionContext)}${unlessGranted(data)}`,
    fix: TO_ROLE,
  }),
  KEY_POLICY_CONDITION: (data: DecryptCall & { statement: string; condition: string }): Text => ({
    says: `${data.statement} of ${data.keyArn} allows ${data.role} to decrypt only where ${data.condition}`,
    fix: 'change the condition, or add to the key policy:',
  }),
  KEY_POLICY_LACKS: (
    data: DecryptCall & GrantsUnread & { roleAllows: 'yes' | 'no' | 'maybe'; deleted?: string },
  ): Text => {
    const neither = `the key policy of ${data.keyArn} neither names ${data.role} nor lets the account decide`
    const says = {
      yes: `the role has kms:Decrypt, but ${neither}`,
      no: `the role has no kms:Decrypt, and ${neither}`,
      maybe: `whatever the role's policies allow, ${neither}`,
    }[data.roleAllows]
    const deleted =
      data.deleted === undefined
        ? ''
        : `; it names ${data.deleted}, which was deleted: a new one of the same name is another principal`
    return { says: says + deleted + unlessGranted(data), fix: 'add to the key policy:' }
  },
  BOUNDARY_LACKS: (data: DecryptCall & GrantsUnread & { boundary: string }): Text => ({
    says: `the permissions boundary ${data.boundary} of ${data.role} does not allow kms:Decrypt with ${data.keyArn}, whatever the role's policies allow${unlessGranted(data)}`,
    fix: 'add to the permissions boundary:',
  }),
  ROLE_CONDITION: (
    data: DecryptCall & GrantsUnread & { statement: string; condition: string },
  ): Text => ({
    says: `${data.statement} of ${data.role} allows kms:Decrypt only where ${data.condition}${unlessGranted(data)}`,
    fix: TO_ROLE,
  }),
  ROLE_ACTION: (data: DecryptCall & GrantsUnread): Text => ({
    says: `no policy of ${data.role} allows kms:Decrypt (nor do AWS's managed policies for KMS)${unlessGranted(data)}`,
    fix: TO_ROLE,
  }),
  ROLE_ALIAS: (
    data: DecryptCall & GrantsUnread & { statement: string; resource: string },
  ): Text => ({
    says: `${data.statement} of ${data.role} allows kms:Decrypt on ${data.resource}, an alias, which matches no key: Resource must be ${data.keyArn}${unlessGranted(data)}`,
    fix: TO_ROLE,
  }),
  ROLE_REGION: (
    data: DecryptCall & GrantsUnread & { statement: string; allowed: string; region: string },
  ): Text => ({
    says: `${data.statement} of ${data.role} allows kms:Decrypt in ${data.allowed}, and ${data.keyArn} is in ${data.region}${unlessGranted(data)}`,
    fix: TO_ROLE,
  }),
  ROLE_RESOURCE: (
    data: DecryptCall & GrantsUnread & { statement: string; resources: string[] },
  ): Text => ({
    says: `${data.statement} of ${data.role} allows kms:Decrypt on ${data.resources.join(', ') || 'other keys'}, and not on ${data.keyArn}${unlessGranted(data)}`,
    fix: TO_ROLE,
  }),
  ACCESS_UNKNOWN: ({ role, keyArn, reasons }: DecryptCall & { reasons: string[] }): Text => ({
    says: `whether ${role} may decrypt with ${keyArn} is unknown: ${reasons.join('; ')}`,
  }),
  GRANT_ALLOWS: ({ role, keyArn }: DecryptCall): Text => ({
    says: `a grant allows ${role} to decrypt with ${keyArn}`,
  }),
  ACCESS_ALLOWED: ({ role, keyArn, encryptionContext }: WithContext): Text => ({
    says: `${role} may decrypt with ${keyArn} and the context ${JSON.stringify(encryptionContext)}`,
  }),
}
