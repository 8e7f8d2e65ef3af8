// The partitions' domains, from the endpoint rules of AWS's SDKs.
const DOMAINS: Record<string, string> = {
  'aws-cn': 'amazonaws.com.cn',
  'aws-eusc': 'amazonaws.eu',
  'aws-iso': 'c2s.ic.gov',
  'aws-iso-b': 'sc2s.sgov.gov',
  'aws-iso-e': 'cloud.adc-e.uk',
  'aws-iso-f': 'csp.hci.ic.gov',
}

/** The endpoint of a key's region. Throws a TypeError for what is no key ARN: it decides whom the credentials reach. */
export function hostOf(keyArn: string): string {
  const [, partition, region] =
    /^arn:(aws[a-z-]*):kms:([a-z]{2,}(?:-[a-z]+)+-\d+):\d{12}:key\/[\w-]+$/.exec(keyArn) ?? []
  if (!partition || !region)
    throw new TypeError(
      `keyId: '${keyArn}' is no key ARN (arn:aws:kms:us-east-1:111122223333:key/…)`,
    )
  return hostIn(region, DOMAINS[partition])
}

export const hostIn = (region: string, domain = 'amazonaws.com') =>
  `kms${process.env.AWS_USE_FIPS_ENDPOINT === 'true' ? '-fips' : ''}.${region}.${domain}`
