import type { VpcEndpoint } from '@aws-sdk/client-ec2'
import { principalMatch } from '@unplugin-kms/local-kms/policy'
import type { Opening } from '../policy/openings.js'
import { decryptStatements } from '../policy/runtime-policy.js'
import { check, type Check } from './check.js'
import { best, circumstancesOf, fit, unknownKeys, worst, type Verdict } from './circumstances.js'
import type { KeyFacts } from './keys.js'
import { principalOf } from './principal.js'
import { readPolicy, type RoleFacts } from './role-policies.js'

/**
 * Whether the policy of an endpoint lets a role's kms:Decrypt through. It allows nothing by itself,
 * and limits what everything else allows; the one that an endpoint has by default lets all through.
 */
export function checkEndpointPolicy(
  { VpcEndpointId: id, PolicyDocument }: VpcEndpoint,
  role: Pick<RoleFacts, 'arn' | 'account'>,
  session: string,
  { keyArn, encryptionContext }: Opening,
  key: KeyFacts,
): Check {
  const says = (what: string) => `the policy of the endpoint ${id} ${what}`
  if (!PolicyDocument) return check('ok', 'endpoint-policy', `the endpoint ${id} has no policy`)
  const read = readPolicy(PolicyDocument, 'resource')
  if ('why' in read)
    return check('unchecked', 'endpoint-policy', says(`could not be read: ${read.why}`))

  const call = circumstancesOf(role, key, encryptionContext)
  const judged = read.policy.statements.map((statement) => {
    const match = principalMatch(statement, principalOf(role, session))
    const { verdict } = fit(statement, read.policy, call)
    // Other than in a key policy, the account may stand for its root user alone.
    const ofPrincipal: Verdict = match === 'none' ? 'no' : match === 'account' ? 'maybe' : 'yes'
    return { statement, verdict: worst(verdict, ofPrincipal) }
  })
  const verdictOf = (effect: 'Allow' | 'Deny') =>
    best(judged.filter(({ statement }) => statement.effect === effect).map((one) => one.verdict))
  const [allows, denies] = [verdictOf('Allow'), verdictOf('Deny')]
  if (denies === 'yes' || allows === 'no') {
    const what = denies === 'yes' ? 'denies' : 'does not let through'
    return check('found', 'endpoint-policy', says(`${what} kms:Decrypt with ${keyArn}`), {
      fix: denies === 'yes' ? 'narrow that statement or take it away' : 'add to it:',
      ...(denies !== 'yes' && {
        add: addition(String(id), role.arn, { keyArn, encryptionContext }),
      }),
    })
  }
  if (denies === 'no' && allows === 'yes')
    return check('ok', 'endpoint-policy', says('lets kms:Decrypt through'))
  const keys = judged
    .filter(({ verdict }) => verdict === 'maybe')
    .flatMap(({ statement }) => unknownKeys(statement, call))
  const hangsOn = [...new Set(keys)].join(', ') || 'whether its account means the role'
  return check('unchecked', 'endpoint-policy', says(`hangs on ${hangsOn}`))
}

const addition = (of: string, role: string, opening: Opening): NonNullable<Check['add']> => ({
  to: 'endpoint',
  of,
  statements: decryptStatements([opening]).map(({ Sid, Effect, ...rest }) => ({
    Sid,
    Effect,
    Principal: { AWS: role },
    ...rest,
  })),
})
