import { parseKeyArn } from '../aws/key-arn.js'
import type { AwsOptions } from '../options/types.js'
import type { DecryptRequest } from '../policy/decrypt-requests.js'
import { evaluateAccess } from './access.js'
import { clients, reason } from './ask.js'
import type { Check } from './check.js'
import { circumstancesOf } from './circumstances.js'
import type { KeyFacts } from './keys.js'
import { examineRole, readPolicy } from './role-policies.js'
import { simulate } from './simulate.js'

/** Checks whether a role may make each kms:Decrypt. */
export async function checkAccess(
  roleArn: string,
  callerAccount: string | undefined,
  session: string | undefined,
  requests: DecryptRequest[],
  keys: KeyFacts[],
  aws: AwsOptions,
): Promise<Check[]> {
  // IAM has one host per partition, which the region of a key determines.
  const region = keys[0] ? parseKeyArn(keys[0].arn)!.region : 'us-east-1'
  const { IAMClient } = await import('@aws-sdk/client-iam')
  const iam = await clients(aws, 'IAM', async (config) => new IAMClient({ region, ...config }))()
  const role = await examineRole(roleArn, callerAccount, iam)
  if (!role.exists) return role.checks
  const checks = await Promise.all(
    requests.map(async ({ keyArn, encryptionContext }) => {
      const key = keys.find(({ arn }) => arn === keyArn)!
      const { policy, grants } = key
      const call = circumstancesOf(role, key, encryptionContext)
      return evaluateAccess({
        role,
        session,
        keyArn,
        encryptionContext,
        keyPolicy:
          'got' in policy
            ? readPolicy(policy.got, 'resource')
            : { why: reason(policy, 'kms:GetKeyPolicy') },
        grants:
          'got' in grants ? { grants: grants.got } : { why: reason(grants, 'kms:ListGrants') },
        simulated: await simulate(iam, roleArn, call),
        call,
      })
    }),
  )
  return [...role.checks, ...checks.flat()]
}
