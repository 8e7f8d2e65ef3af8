import { parseKeyArn } from '../aws/key-arn.js'
import { check, type Check } from './check.js'
import { unmet } from './circumstances.js'
import type { Access, StatementMatch } from './types.js'

interface Data {
  role: string
  keyArn: string
  grantsUnread?: string
}

/** Reports the statement that is closest to allowing the call, and why it does not. */
export function whyRoleLacks(
  access: Access,
  own: StatementMatch[],
  data: Data,
  more: Pick<Check, 'add'>,
): Check {
  const { keyArn } = access
  const allows = own.filter(({ statement, action }) => statement.effect === 'Allow' && action)
  const narrow = allows.find(({ resource }) => resource)
  if (narrow) {
    const condition = wrongCondition(narrow, access)
    const conditional = { ...data, statement: narrow.label, condition }
    return check('found', 'role-condition', 'ROLE_CONDITION', conditional, more)
  }
  if (!allows.length) return check('found', 'role-action', 'ROLE_ACTION', data, more)
  const named = allows.flatMap(({ statement, label }) =>
    (statement.resources ?? []).map((resource) => ({ resource, statement: label })),
  )
  const alias = named.find(({ resource }) => resource.includes(':alias/'))
  if (alias) return check('found', 'role-alias', 'ROLE_ALIAS', { ...data, ...alias }, more)
  const { account, region, keyId } = parseKeyArn(keyArn)!
  const elsewhere = named.find(({ resource }) => {
    const [, , , inRegion, inAccount, ...rest] = resource.split(':')
    const key = rest.join(':')
    return (
      inRegion !== region && inAccount === account && (key === `key/${keyId}` || key === 'key/*')
    )
  })
  if (elsewhere) {
    const { statement, resource } = elsewhere
    const regional = { ...data, statement, allowed: resource.split(':')[3]!, region }
    return check('found', 'role-region', 'ROLE_REGION', regional, more)
  }
  const statement = named[0]?.statement ?? allows[0]!.label
  const resources = [...new Set(named.map(({ resource }) => resource))]
  return check('found', 'role-resource', 'ROLE_RESOURCE', { ...data, statement, resources }, more)
}

/** Returns `kms:EncryptionContext:app meets StringEquals "billing"; in this call it is "orders"`. */
export function wrongCondition({ statement, policy }: StatementMatch, { call }: Access): string {
  return unmet(statement, policy, call)
    .map(({ operator, key, wanted, actual }) => {
      const list = (values: readonly string[]) =>
        values.map((one) => JSON.stringify(one)).join(' or ')
      const is = actual.length ? list(actual) : 'absent'
      return `${key} meets ${operator} ${list(wanted)}; in this call it is ${is}`
    })
    .join('; and ')
}
