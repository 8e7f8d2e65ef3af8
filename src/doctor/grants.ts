import { principalOf } from './principal.js'
import type { Access } from './types.js'

/** Returns whether a grant allows the call: grants add to the key policy and the role's policies. */
export function isGranted({ role, session, grants, encryptionContext }: Access): boolean {
  if (!('grants' in grants)) return false
  const { arn, principalArn } = principalOf(role, session)
  return grants.grants.some(
    ({ GranteePrincipal = '', Operations = [], Constraints = {} }) =>
      [arn, principalArn].includes(GranteePrincipal) &&
      Operations.includes('Decrypt') &&
      includesPairs(encryptionContext, Constraints.EncryptionContextSubset ?? {}) &&
      includesPairs(encryptionContext, Constraints.EncryptionContextEquals ?? {}) &&
      includesPairs(Constraints.EncryptionContextEquals ?? encryptionContext, encryptionContext),
  )
}

const includesPairs = (all: Record<string, string>, part: Record<string, string>): boolean =>
  Object.entries(part).every(([name, value]) => all[name] === value)
