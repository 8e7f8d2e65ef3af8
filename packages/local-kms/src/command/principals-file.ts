import { iamArn, partitionOf } from '../arn.js'
import type { Credentials } from '../auth/principals.js'
import { LocalKmsError } from '../errors.js'
import type { LocalKms } from '../local-kms.js'
import type { PolicyDocument } from '../policy/parse-policy.js'

interface PrincipalsFile {
  users?: { name: string; policies?: PolicyDocument[] }[]
  roles?: { name: string; policies?: PolicyDocument[]; trust?: PolicyDocument }[]
}

/**
 * Makes the users and roles of a file; those that exist get the file's policies.
 *
 * @throws LocalKmsError BAD_OPTION that says which of them is wrong, and what about it
 */
export function addPrincipals(kms: LocalKms, file: unknown): void {
  const { users = [], roles = [] } = checked(file)
  users.forEach((user, i) =>
    at(`users[${i}]`, () => {
      const arn = arnOf(kms, `user/${user.name}`)
      if (kms.hasPrincipal(arn)) kms.putPolicies(arn, user.policies ?? [])
      else kms.createUser(user)
    }),
  )
  roles.forEach((role, i) =>
    at(`roles[${i}]`, () => {
      const arn = arnOf(kms, `role/${role.name}`)
      if (kms.hasPrincipal(arn)) kms.putPolicies(arn, role.policies ?? [], role.trust)
      else kms.createRole(role)
    }),
  )
}

/** What a typing error would else leave out in silence. */
function checked(file: unknown): PrincipalsFile {
  const { users, roles } = fields(file, 'the file', ['users', 'roles'])
  for (const [name, list, known] of [
    ['users', users, ['name', 'policies']],
    ['roles', roles, ['name', 'policies', 'trust']],
  ] as const) {
    if (list === undefined) continue
    if (!Array.isArray(list)) throw wrong(`${name}: no list`)
    list.forEach((item, i) => {
      const { name: itsName, policies = [] } = fields(item, `${name}[${i}]`, known)
      if (typeof itsName !== 'string') throw wrong(`${name}[${i}].name: no text`)
      if (!Array.isArray(policies)) throw wrong(`${name}[${i}].policies: no list`)
    })
  }
  return file as PrincipalsFile
}

function fields(value: unknown, where: string, known: readonly string[]): Record<string, unknown> {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw wrong(`${where}: no object`)
  }
  const unknown = Object.keys(value).find((name) => !known.includes(name))
  if (unknown !== undefined) {
    throw wrong(`${where}: '${unknown}' is none of ${known.join(', ')}`)
  }
  return value as Record<string, unknown>
}

function at(where: string, make: () => void): void {
  try {
    make()
  } catch (error) {
    throw wrong(`${where}: ${(error as Error).message}`)
  }
}

const wrong = (message: string): LocalKmsError => new LocalKmsError('BAD_OPTION', message)

/** The credentials of `user/NAME`, or temporary ones of `role/NAME`. */
export function credentialsAs(kms: LocalKms, who: string | undefined): Credentials {
  if (who === undefined) return kms.admin.credentials
  const arn = arnOf(kms, who)
  if (kms.hasPrincipal(arn)) return kms.credentialsOf(arn)
  throw new LocalKmsError(
    'BAD_OPTION',
    `--as ${who}: no such user or role; --principals makes them`,
  )
}

const arnOf = ({ region, accountId }: LocalKms, resource: string): string =>
  iamArn(partitionOf(region), accountId, resource)
