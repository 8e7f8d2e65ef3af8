import { createRequire } from 'node:module'
import { KmsBuildError } from '../errors.js'
import type { AwsOptions } from '../options/types.js'
import { expectKeyArn } from './key-arn.js'

const require = createRequire(import.meta.url)

/** The host that the shim calls for a key, by the AWS SDK's own table of partitions. */
export function endpointHost(keyArn: string, { fips, dualstack }: AwsOptions): string {
  const { region } = expectKeyArn(keyArn, keyArn)
  // Loaded where a host is asked for: a build without marks does not pay for it.
  const { partition } = require('@aws-sdk/core/client') as typeof import('@aws-sdk/core/client')
  const { name, dnsSuffix, dualStackDnsSuffix, supportsDualStack, supportsFIPS } = partition(region)
  if ((fips && !supportsFIPS) || (dualstack && !supportsDualStack)) {
    throw new KmsBuildError(
      'OPTIONS_INVALID',
      `partition ${name} has no ${fips && !supportsFIPS ? 'FIPS' : 'dual-stack'} endpoints: drop the option aws.${fips && !supportsFIPS ? 'fips' : 'dualstack'}.`,
    )
  }
  return `kms${fips ? '-fips' : ''}.${region}.${dualstack ? dualStackDnsSuffix : dnsSuffix}`
}
