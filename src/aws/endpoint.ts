import { partition } from '@aws-sdk/core/client'
import { KmsBuildError } from '../errors.js'
import type { AwsOptions } from '../options/types.js'
import { expectKeyArn } from './key-arn.js'

/** Returns the host that the shim calls for a key, by the AWS SDK's own table of partitions. */
export function endpointHost(keyArn: string, { fips, dualstack }: AwsOptions): string {
  const { region } = expectKeyArn(keyArn, keyArn)
  const { name, dnsSuffix, dualStackDnsSuffix, supportsDualStack, supportsFIPS } = partition(region)
  if (fips && !supportsFIPS) throw unsupported(name, 'FIPS', 'fips')
  if (dualstack && !supportsDualStack) throw unsupported(name, 'dual-stack', 'dualstack')
  return `kms${fips ? '-fips' : ''}.${region}.${dualstack ? dualStackDnsSuffix : dnsSuffix}`
}

const unsupported = (partition: string, what: string, setting: 'fips' | 'dualstack') =>
  new KmsBuildError(
    'OPTIONS_INVALID',
    `the partition ${partition} has no ${what} endpoints: unset the option aws.${setting}, AWS_USE_${setting.toUpperCase()}_ENDPOINT and use_${setting}_endpoint of the profile.`,
  )
