import type { VpcEndpoint } from '@aws-sdk/client-ec2'
import { principalMatch } from '@unplugin-kms/local-kms/policy'
import type { DecryptRequest } from '../policy/decrypt-requests.js'
import { decryptStatements } from '../policy/runtime-policy.js'
import { check, type Check } from './check.js'
import {
  best,
  circumstancesOf,
  matchStatement,
  unknownKeys,
  worst,
  type Verdict,
} from './circumstances.js'
import type { KeyFacts } from './keys.js'
import { principalOf } from './principal.js'
import { readPolicy, type RoleFacts } from './role-policies.js'

/**
 * Checks whether the policy of a VPC endpoint allows a role's kms:Decrypt. It grants nothing by itself,
 * and limits what other policies allow. The default policy allows everything.
 */
export function checkEndpointPolicy(
  { VpcEndpointId: id, PolicyDocument }: VpcEndpoint,
  role: Pick<RoleFacts, 'arn' | 'account'>,
  session: string,
  { keyArn, encryptionContext }: DecryptRequest,
  key: KeyFacts,
): Check {
  const endpoint = String(id)
  if (!PolicyDocument) return check('ok', 'endpoint-policy', 'ENDPOINT_POLICY_NONE', { endpoint })
  const read = readPolicy(PolicyDocument, 'resource')
  if ('why' in read)
    return check('unchecked', 'endpoint-policy', 'ENDPOINT_POLICY_UNREAD', {
      endpoint,
      reason: read.why,
    })

  const call = circumstancesOf(role, key, encryptionContext)
  const matches = read.policy.statements.map((statement) => {
    const match = principalMatch(statement, principalOf(role, session))
    const { verdict } = matchStatement(statement, read.policy, call)
    // Unlike in a key policy, an account may mean only its root user.
    const ofPrincipal: Verdict = match === 'none' ? 'no' : match === 'account' ? 'maybe' : 'yes'
    return { statement, verdict: worst(verdict, ofPrincipal) }
  })
  const verdictOf = (effect: 'Allow' | 'Deny') =>
    best(matches.filter(({ statement }) => statement.effect === effect).map((one) => one.verdict))
  const [allows, denies] = [verdictOf('Allow'), verdictOf('Deny')]
  const data = { endpoint, keyArn }
  if (denies === 'yes') return check('found', 'endpoint-policy', 'ENDPOINT_POLICY_DENIES', data)
  if (allows === 'no') {
    const add = addition(endpoint, role.arn, { keyArn, encryptionContext })
    return check('found', 'endpoint-policy', 'ENDPOINT_POLICY_LACKS', data, { add })
  }
  if (denies === 'no' && allows === 'yes')
    return check('ok', 'endpoint-policy', 'ENDPOINT_POLICY_ALLOWS', { endpoint })
  const unclear = matches
    .filter(({ verdict }) => verdict === 'maybe')
    .flatMap(({ statement }) => unknownKeys(statement, call))
  return check('unchecked', 'endpoint-policy', 'ENDPOINT_POLICY_UNCLEAR', {
    endpoint,
    keys: [...new Set(unclear)],
  })
}

const addition = (
  of: string,
  role: string,
  request: DecryptRequest,
): NonNullable<Check['add']> => ({
  to: 'endpoint',
  of,
  statements: decryptStatements([request]).map(({ Sid, Effect, ...rest }) => ({
    Sid,
    Effect,
    Principal: { AWS: role },
    ...rest,
  })),
})
