import { keyPolicyParts } from '../policy/key-policy.js'
import { decryptStatements } from '../policy/runtime-policy.js'
import { check, type Check } from './check.js'
import { unknownKeys, type Verdict } from './circumstances.js'
import { whyRoleLacks, wrongCondition } from './near-misses.js'
import type { NamedPolicy } from './role-policies.js'
import type { Simulation } from './simulate.js'
import type { Access, Judged } from './types.js'

export function missingInKeyPolicy(access: Access, ofKey: Judged[], roleSays: Verdict): Check {
  const { role, keyArn, encryptionContext } = access
  const opening = { keyArn, encryptionContext }
  const add = {
    to: 'key' as const,
    of: keyArn,
    statements: keyPolicyParts(decryptStatements([opening]), role.arn)[0]!.statements,
  }
  const narrow = ofKey.find(
    ({ statement, action, resource }) => statement.effect === 'Allow' && action && resource,
  )
  if (narrow) {
    return check(
      'found',
      'key-policy-condition',
      `${narrow.called} of ${keyArn} lets ${role.arn} decrypt only where ${wrongCondition(narrow, access)}`,
      { fix: 'change the condition, or add to the key policy:', add },
    )
  }
  const neither = `the key policy of ${keyArn} neither names ${role.arn} nor lets the account decide`
  const says =
    roleSays === 'yes'
      ? `the role has kms:Decrypt, but ${neither}`
      : roleSays === 'no'
        ? `the role has no kms:Decrypt, and ${neither}`
        : `whatever the role's policies say, ${neither}`
  return check('found', 'key-policy', says + formerly(access) + unlessGranted(access), {
    fix: 'add to the key policy:',
    add,
  })
}

/** AWS shows a principal that was deleted by its unique id; one made anew has another. */
function formerly({ keyPolicy }: Access): string {
  const statements = 'policy' in keyPolicy ? keyPolicy.policy.statements : []
  const names = statements.flatMap(({ principals }) => principals?.['AWS'] ?? [])
  const gone = names.find((name) => /^A(?:RO|ID)A[A-Z0-9]{16,}$/.test(name))
  return gone === undefined
    ? ''
    : `; it names ${gone}, which was deleted: one made anew under the same name is another`
}

/** Said where it is not known whether there are grants. */
const unlessGranted = ({ grants }: Access) =>
  'why' in grants ? ` (unless a grant lets it: ${grants.why})` : ''

export function missingInBoundary(access: Access, boundary: NamedPolicy): Check {
  const { role, keyArn, encryptionContext } = access
  return check(
    'found',
    'boundary',
    `the permissions boundary ${boundary.name} of ${role.arn} does not allow kms:Decrypt with ${keyArn}, whatever the role's policies say${unlessGranted(access)}`,
    {
      fix: 'add to the permissions boundary:',
      add: {
        to: 'role',
        of: boundary.name,
        statements: decryptStatements([{ keyArn, encryptionContext }]),
      },
    },
  )
}

export function missingInRole(access: Access, own: Judged[]): Check {
  const { role, keyArn, encryptionContext, simulated } = access
  const { id, says } =
    role.incomplete && simulated
      ? {
          id: 'simulation' as const,
          says: `IAM's simulation of ${role.arn} says ${simulated.decision} to kms:Decrypt with ${keyArn} and the context ${JSON.stringify(encryptionContext)}`,
        }
      : whyRoleLacks(access, own)
  return check('found', id, says + unlessGranted(access), {
    fix: 'add to the policies of the role:',
    add: {
      to: 'role',
      of: role.arn,
      statements: decryptStatements([{ keyArn, encryptionContext }]),
    },
  })
}

export const deniedByOrganization = ({ role, keyArn }: Access): Check =>
  check(
    'found',
    'simulation',
    `a service control policy of the organization does not let ${role.arn} use kms:Decrypt with ${keyArn}, says IAM's simulation`,
    { fix: 'ask who keeps the policies of the organization' },
  )

export const deniedBySimulation = ({ role, keyArn }: Access): Check =>
  check(
    'found',
    'simulation',
    `a policy of ${role.arn} that could not be read denies it kms:Decrypt with ${keyArn}, says IAM's simulation (explicitDeny)`,
    { fix: 'ask who keeps the policies of the role; a Deny outdoes every Allow' },
  )

/** IAM knows more than its API shows, and less than KMS does: neither is claimed to be right. */
export const otherwiseSimulated = (
  { role, keyArn }: Access,
  decision: Simulation['decision'],
): Check =>
  check(
    'unchecked',
    'simulation',
    `the policies that were read let ${role.arn} use kms:Decrypt with ${keyArn}, but IAM's simulation says ${decision}`,
  )

/** Nothing is claimed where the answer hangs on what could not be read, or on the call itself. */
export function unknown(
  { role, keyArn, keyPolicy, call }: Access,
  judged: Judged[],
  others: string[] = [],
): Check {
  const open = judged.filter(({ verdict }) => verdict === 'maybe')
  const keys = [...new Set(open.flatMap(({ statement }) => unknownKeys(statement, call)))]
  const reasons = [
    ...('why' in keyPolicy ? [`the key policy could not be read: ${keyPolicy.why}`] : []),
    ...(role.incomplete ? [role.incomplete] : []),
    ...others,
    ...(keys.length ? [`it hangs on ${keys.join(', ')}, which only a real call tells`] : []),
  ]
  return check(
    'unchecked',
    'access',
    `whether ${role.arn} may decrypt with ${keyArn}: ${reasons.join('; ')}`,
  )
}
