import type { AwsOptions } from '../options/types.js'
import { clientConfig } from './clients.js'

const identities = new WeakMap<AwsOptions, Promise<string | undefined>>()

/** Who AWS says is calling, an ARN; undefined where it does not say so at once. For errors. */
export function identityOf(aws: AwsOptions): Promise<string | undefined> {
  let identity = identities.get(aws)
  if (!identity) identities.set(aws, (identity = ask(aws).catch(() => undefined)))
  return identity
}

async function ask(aws: AwsOptions): Promise<string | undefined> {
  const { GetCallerIdentityCommand, STSClient } = await import('@aws-sdk/client-sts')
  const sts = new STSClient({
    ...(await clientConfig(aws)),
    maxAttempts: 1,
    requestHandler: { connectionTimeout: 2000, requestTimeout: 2000 },
  })
  return (await sts.send(new GetCallerIdentityCommand({}))).Arn
}
