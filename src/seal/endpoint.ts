import { KMSClient } from '@aws-sdk/client-kms'
import type { AwsOptions } from '../options.js'
import { expectKeyArn } from './key-arn.js'

/** The host that the shim calls for a key, by the AWS SDK's own partition rules. */
export function endpointHost(keyArn: string, { fips, dualstack }: AwsOptions): string {
  const { region } = expectKeyArn(keyArn, keyArn)
  const { endpointProvider } = new KMSClient({ region }).config
  return endpointProvider({ Region: region, UseFIPS: fips ?? false, UseDualStack: dualstack ?? false }).url.hostname
}
