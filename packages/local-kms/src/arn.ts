/** `arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE` */
export interface Arn {
  partition: string
  service: string
  region: string
  accountId: string
  resource: string
}

export function parseArn(text: string): Arn | undefined {
  const match = /^arn:([^:]+):([^:]+):([^:]*):([^:]*):(.+)$/s.exec(text)
  if (match === null) return undefined
  const [, partition, service, region, accountId, resource] = match as unknown as [
    string,
    string,
    string,
    string,
    string,
    string,
  ]
  return { partition, service, region, accountId, resource }
}

/** AWS's partitions other than `aws`, by the prefix of their regions, and their DNS suffixes. */
const PARTITIONS: [prefix: string, partition: string, dnsSuffix: string][] = [
  ['cn-', 'aws-cn', 'amazonaws.com.cn'],
  ['us-gov-', 'aws-us-gov', 'amazonaws.com'],
  ['us-iso-', 'aws-iso', 'c2s.ic.gov'],
  ['us-isob-', 'aws-iso-b', 'sc2s.sgov.gov'],
  ['us-isof-', 'aws-iso-f', 'csp.hci.ic.gov'],
  ['eu-isoe-', 'aws-iso-e', 'cloud.adc-e.uk'],
  ['eusc-', 'aws-eusc', 'amazonaws.eu'],
]

const partitionFor = (region: string) => PARTITIONS.find(([prefix]) => region.startsWith(prefix))

/** Returns the partition of a region: `aws`, `aws-cn`, `aws-us-gov`, … */
export const partitionOf = (region: string): string => partitionFor(region)?.[1] ?? 'aws'

/** Returns the host name of a regional service: `ssm.us-east-1.amazonaws.com`. */
export const serviceHost = (service: string, region: string): string =>
  `${service}.${region}.${partitionFor(region)?.[2] ?? 'amazonaws.com'}`

/** Matches `us-east-1`, `us-gov-west-1`, `eusc-de-east-1`. */
export const REGION_PATTERN = /^[a-z]{2,4}(-[a-z]+)+-\d+$/

export function serviceArn(
  service: string,
  region: string,
  accountId: string,
  resource: string,
): string {
  return `arn:${partitionOf(region)}:${service}:${region}:${accountId}:${resource}`
}

export const keyArn = (region: string, accountId: string, keyId: string): string =>
  serviceArn('kms', region, accountId, `key/${keyId}`)

export const aliasArn = (region: string, accountId: string, name: string): string =>
  serviceArn('kms', region, accountId, name)

export const iamArn = (partition: string, accountId: string, resource: string): string =>
  `arn:${partition}:iam::${accountId}:${resource}`

export const userArn = (partition: string, accountId: string, name: string): string =>
  iamArn(partition, accountId, `user/${name}`)

export const roleArn = (partition: string, accountId: string, name: string): string =>
  iamArn(partition, accountId, `role/${name}`)

export const rootArn = (partition: string, accountId: string): string =>
  iamArn(partition, accountId, 'root')

export const sessionArn = (
  partition: string,
  accountId: string,
  role: string,
  session: string,
): string => `arn:${partition}:sts::${accountId}:assumed-role/${role}/${session}`
