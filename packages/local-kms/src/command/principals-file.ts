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
 * Creates the users and roles of a file. Existing ones get the policies of the file.
 *
 * @throws LocalKmsError BAD_OPTION with the invalid entry
 */
export function addPrincipals(kms: LocalKms, file: unknown): void {
  const { users = [], roles = [] } = validate(file)
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

/** Validates the file, so that no misspelled field is ignored. */
function validate(file: unknown): PrincipalsFile {
  const { users, roles } = fields(file, 'the file', ['users', 'roles'])
  for (const [name, list, known] of [
    ['users', users, ['name', 'policies']],
    ['roles', roles, ['name', 'policies', 'trust']],
  ] as const) {
    if (list === undefined) continue
    if (!Array.isArray(list)) throw invalid(`${name}: not an array`)
    list.forEach((item, i) => {
      const { name: itsName, policies = [] } = fields(item, `${name}[${i}]`, known)
      if (typeof itsName !== 'string') throw invalid(`${name}[${i}].name: not a string`)
      if (!Array.isArray(policies)) throw invalid(`${name}[${i}].policies: not an array`)
    })
  }
  return file as PrincipalsFile
}

function fields(value: unknown, where: string, known: readonly string[]): Record<string, unknown> {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw invalid(`${where}: not an object`)
  }
  const unknown = Object.keys(value).find((name) => !known.includes(name))
  if (unknown !== undefined) {
    throw invalid(`${where}: unknown field '${unknown}'. Known fields: ${known.join(', ')}`)
  }
  return value as Record<string, unknown>
}

function at(where: string, make: () => void): void {
  try {
    make()
  } catch (error) {
    throw invalid(`${where}: ${(error as Error).message}`)
  }
}

const invalid = (message: string): LocalKmsError => new LocalKmsError('BAD_OPTION', message)

/** Returns the credentials of `user/NAME`, or temporary credentials of `role/NAME`. */
export function credentialsAs(kms: LocalKms, who: string | undefined): Credentials {
  if (who === undefined) return kms.admin.credentials
  const arn = arnOf(kms, who)
  if (kms.hasPrincipal(arn)) return kms.credentialsOf(arn)
  throw new LocalKmsError(
    'BAD_OPTION',
    `--as ${who}: this user or role does not exist. Create it with --principals`,
  )
}

const arnOf = ({ region, accountId }: LocalKms, resource: string): string =>
  iamArn(partitionOf(region), accountId, resource)
