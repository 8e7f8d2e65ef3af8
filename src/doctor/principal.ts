import type { RoleFacts } from './role-policies.js'

/** Returns the role as a principal: its own ARN, and the ARN of its session. */
export function principalOf(
  { arn, account }: Pick<RoleFacts, 'arn' | 'account'>,
  session: string | undefined,
) {
  const partition = arn.split(':')[1]!
  const name = arn.split('/').at(-1)!
  const sessionArn = `arn:${partition}:sts::${account}:assumed-role/${name}/${session}`
  return { accountId: account, principalArn: arn, arn: session === undefined ? arn : sessionArn }
}
