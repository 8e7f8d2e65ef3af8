import type { Credentials, PolicyDocument } from '../auth/principals.js'
import { LocalKmsError } from '../errors.js'
import type { LocalKms } from '../local-kms.js'

interface PrincipalsFile {
  users?: { name: string; policies?: PolicyDocument[] }[]
  roles?: { name: string; policies?: PolicyDocument[]; trust?: PolicyDocument }[]
}

/** Makes the users and roles of a file; those that exist get the file's policies. */
export function addPrincipals(kms: LocalKms, file: unknown): void {
  const { users = [], roles = [] } = file as PrincipalsFile
  for (const user of users) {
    const arn = `arn:aws:iam::${kms.accountId}:user/${user.name}`
    if (kms.hasPrincipal(arn)) kms.putPolicies(arn, user.policies ?? [])
    else kms.createUser(user)
  }
  for (const role of roles) {
    const arn = `arn:aws:iam::${kms.accountId}:role/${role.name}`
    if (kms.hasPrincipal(arn)) kms.putPolicies(arn, role.policies ?? [], role.trust)
    else kms.createRole(role)
  }
}

/** The credentials of `user/NAME`, or temporary ones of `role/NAME`. */
export function credentialsAs(kms: LocalKms, who: string | undefined): Credentials {
  if (who === undefined) return kms.admin.credentials
  const arn = `arn:aws:iam::${kms.accountId}:${who}`
  if (kms.hasPrincipal(arn)) return kms.credentialsOf(arn)
  throw new LocalKmsError(
    'BAD_OPTION',
    `--as ${who}: no such user or role; --principals makes them`,
  )
}
