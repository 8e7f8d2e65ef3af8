import { parseKeyArn } from '../aws/key-arn.js'
import type { CheckId } from './check.js'
import { unmet } from './circumstances.js'
import type { Access, Judged } from './types.js'

/** Which statement comes nearest to allowing it, and where it fails. */
export function whyRoleLacks(access: Access, own: Judged[]): { id: CheckId; says: string } {
  const { role, keyArn } = access
  const allows = own.filter(({ statement, action }) => statement.effect === 'Allow' && action)
  const narrow = allows.find(({ resource }) => resource)
  if (narrow) {
    return {
      id: 'role-condition',
      says: `${narrow.called} of ${role.arn} allows kms:Decrypt only where ${wrongCondition(narrow, access)}`,
    }
  }
  if (!allows.length) {
    return {
      id: 'role-action',
      says: `no policy of ${role.arn} allows kms:Decrypt (AWS's managed policies for KMS do not either)`,
    }
  }
  const named = allows.flatMap(({ statement, called }) =>
    (statement.resources ?? []).map((resource) => ({ resource, called })),
  )
  const { account, region, keyId } = parseKeyArn(keyArn)!
  const alias = named.find(({ resource }) => resource.includes(':alias/'))
  if (alias) {
    return {
      id: 'role-alias',
      says: `${alias.called} of ${role.arn} allows kms:Decrypt on ${alias.resource}, an alias, which matches no key: Resource must be ${keyArn}`,
    }
  }
  const elsewhere = named.find(({ resource }) => {
    const [, , , inRegion, inAccount, ...rest] = resource.split(':')
    const key = rest.join(':')
    return (
      inRegion !== region && inAccount === account && (key === `key/${keyId}` || key === 'key/*')
    )
  })
  if (elsewhere) {
    return {
      id: 'role-region',
      says: `${elsewhere.called} of ${role.arn} allows kms:Decrypt in ${elsewhere.resource.split(':')[3]}, and ${keyArn} is in ${region}`,
    }
  }
  return {
    id: 'role-resource',
    says: `${named[0]?.called ?? allows[0]!.called} of ${role.arn} allows kms:Decrypt on ${[...new Set(named.map(({ resource }) => resource))].join(', ') || 'other keys'}, and not on ${keyArn}`,
  }
}

/** `kms:EncryptionContext:app is "billing", and here it is "orders"` */
export function wrongCondition({ statement, policy }: Judged, { call }: Access): string {
  return unmet(statement, policy, call)
    .map(({ operator, key, wanted, actual }) => {
      const list = (values: readonly string[]) =>
        values.map((one) => JSON.stringify(one)).join(' or ')
      const is = actual.length ? list(actual) : 'absent'
      return `${key} meets ${operator} ${list(wanted)}, and here it is ${is}`
    })
    .join('; and ')
}
