import type { AwsOptions } from '../options/types.js'
import { present } from './aws-error.js'
import { clientsOf } from './clients.js'
import { clientSts } from './sdk.js'

export interface CallerIdentity {
  arn: string
  account: string
}

/**
 * Asks STS who the caller is.
 *
 * @param region used if nothing else sets one.
 * @throws the errors of an AWS client.
 */
export async function callerIdentity(
  aws: AwsOptions,
  region = 'us-east-1',
  onError?: (error: unknown) => void,
): Promise<CallerIdentity> {
  const { GetCallerIdentityCommand, STSClient } = await clientSts()
  const sts = await clientsOf(
    aws,
    'STS',
    async (config) => new STSClient({ region, ...config, maxAttempts: 2 }),
    onError && { onError },
  )()
  const { Arn, Account } = await sts.send(new GetCallerIdentityCommand({}))
  return { arn: present(Arn), account: present(Account) }
}

const PATIENCE_MS = 2000
const identities = new WeakMap<AwsOptions, Promise<string | undefined>>()

/** Returns the caller's ARN for errors; undefined if STS does not answer promptly. */
export function identityOf(aws: AwsOptions): Promise<string | undefined> {
  let identity = identities.get(aws)
  if (!identity) {
    const asked = callerIdentity(aws).then(({ arn }) => arn)
    const late = new Promise<undefined>((resolve) => {
      setTimeout(() => resolve(undefined), PATIENCE_MS).unref()
    })
    identities.set(aws, (identity = Promise.race([asked, late]).catch(() => undefined)))
  }
  return identity
}
