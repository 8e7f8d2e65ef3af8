import type { GrantRecord } from '../account/state.js'
import { string, unsupported } from '../protocol/schema.js'
import { operation } from '../protocol/service.js'
import { authorizeKey } from './authorize.js'
import { findKeyById } from './find-key.js'
import * as m from './members.js'

export const ListGrants = operation(
  {
    KeyId: m.keyId,
    GrantId: string({ min: 1, max: 128 }),
    GranteePrincipal: string({ min: 1, max: 256 }),
    GranteeServicePrincipal: unsupported(),
    ...m.paging({ max: 100 }),
  },
  (call, { KeyId, GrantId, GranteePrincipal, Limit = 50, Marker }) => {
    const found = findKeyById(call, KeyId)
    authorizeKey(call, 'ListGrants', found)
    const matching = (found.key.grants ?? []).filter(
      ({ grantId, granteePrincipal }) =>
        (GrantId ?? grantId) === grantId &&
        (GranteePrincipal ?? granteePrincipal) === granteePrincipal,
    )
    const { page, ...rest } = m.page(matching, ({ grantId }) => grantId, {
      limit: Limit,
      marker: Marker,
    })
    return { Grants: page.map((grant) => entryOf(grant, found.arn, call.account.id)), ...rest }
  },
)

const entryOf = (grant: GrantRecord, arn: string, accountId: string) => ({
  KeyId: arn,
  GrantId: grant.grantId,
  GranteePrincipal: grant.granteePrincipal,
  IssuingAccount: `arn:aws:iam::${accountId}:root`,
  Operations: grant.operations,
  CreationDate: new Date(grant.createdAt),
  ...(grant.encryptionContextEquals && {
    Constraints: { EncryptionContextEquals: grant.encryptionContextEquals },
  }),
})
