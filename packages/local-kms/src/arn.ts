/** `arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE`, the resource whole. */
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

function partitionOf(region: string): string {
  if (region.startsWith('cn-')) return 'aws-cn'
  if (region.startsWith('us-gov-')) return 'aws-us-gov'
  return 'aws'
}

/** `us-east-1`, `ap-southeast-2`, `us-gov-west-1`. */
export const REGION_PATTERN = /^[a-z]{2}(-[a-z]+)+-\d+$/

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

export const userArn = (accountId: string, name: string): string =>
  `arn:aws:iam::${accountId}:user/${name}`

export const roleArn = (accountId: string, name: string): string =>
  `arn:aws:iam::${accountId}:role/${name}`

export const policyArn = (accountId: string, name: string): string =>
  `arn:aws:iam::${accountId}:policy/${name}`

export const sessionArn = (accountId: string, role: string, session: string): string =>
  `arn:aws:sts::${accountId}:assumed-role/${role}/${session}`
