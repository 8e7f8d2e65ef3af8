// The domains of partitions other than aws and aws-us-gov, by the prefix of their regions, from the
// endpoint rules of AWS's SDKs.
const DOMAINS: [regions: string, domain: string][] = [
  ['cn-', 'amazonaws.com.cn'],
  ['eusc-', 'amazonaws.eu'],
  ['us-iso-', 'c2s.ic.gov'],
  ['us-isob-', 'sc2s.sgov.gov'],
  ['eu-isoe-', 'cloud.adc-e.uk'],
  ['us-isof-', 'csp.hci.ic.gov'],
]

/**
 * Returns the KMS host of a key's region. Throws a TypeError if it is not a key ARN, because the host
 * determines who receives the signed request.
 */
export function hostOf(keyArn: string): string {
  const [, region] =
    /^arn:aws[a-z-]*:kms:([a-z]{2,}(?:-[a-z]+)+-\d+):\d{12}:key\/[\w-]+$/.exec(keyArn) ?? []
  if (!region)
    throw new TypeError(
      `keyId: '${keyArn}' is not a key ARN (arn:aws:kms:us-east-1:111122223333:key/…)`,
    )
  return hostIn(region)
}

/** Returns the KMS host of a region. */
export function hostIn(region: string): string {
  const domain = DOMAINS.find(([regions]) => region.startsWith(regions))?.[1] ?? 'amazonaws.com'
  return `kms.${region}.${domain}`
}
