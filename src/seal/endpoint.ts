import { partition } from '@aws-sdk/core/client'
import { KmsBuildError } from '../errors.js'
import type { AwsOptions } from '../options.js'
import { expectKeyArn } from './key-arn.js'

/** The host that the shim calls for a key, by the AWS SDK's own table of partitions. */
export function endpointHost(keyArn: string, { fips, dualstack }: AwsOptions): string {
  const { region } = expectKeyArn(keyArn, keyArn)
  const { name, dnsSuffix, dualStackDnsSuffix, supportsDualStack, supportsFIPS } = partition(region)
  if ((fips && !supportsFIPS) || (dualstack && !supportsDualStack)) {
    throw new KmsBuildError(
      'OPTIONS_INVALID',
      `partition ${name} has no ${fips && !supportsFIPS ? 'FIPS' : 'dual-stack'} endpoints: drop the option aws.${fips && !supportsFIPS ? 'fips' : 'dualstack'}.`,
    )
  }
  return `kms${fips ? '-fips' : ''}.${region}.${dualstack ? dualStackDnsSuffix : dnsSuffix}`
}
