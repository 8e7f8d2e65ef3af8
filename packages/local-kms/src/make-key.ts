import { keyArn, partitionOf } from './arn.js'
import { callerOfUser } from './auth/caller.js'
import { CreateAlias } from './kms/aliases.js'
import { CreateKey } from './kms/keys.js'
import type { CreatedKey, KeyToCreate } from './local-kms.js'
import type { Call } from './protocol/call.js'
import { perform } from './protocol/service.js'
import type { Endpoint } from './server/handle.js'

/**
 * Creates a key, and optionally an alias, as a user of the account. The journal does not record it
 * because no client called.
 */
export async function makeKey(
  { account, journal, faults, pkcs8PublicKey }: Endpoint,
  userName: string,
  { region, alias, policy, spec, multiRegion, description }: KeyToCreate & { region: string },
): Promise<CreatedKey> {
  const call: Call = {
    account,
    journal,
    region,
    caller: callerOfUser(account.state, userName, partitionOf(region)),
    now: faults.now(),
    sourceIp: '127.0.0.1',
    secureTransport: false,
    userAgent: '',
    origin: '',
    pkcs8PublicKey,
    entry: { time: '', requestId: '', service: 'kms', operation: '', region, outcome: '' },
  }
  const { KeyMetadata } = await perform(CreateKey, call, {
    KeySpec: spec,
    KeyUsage: 'ENCRYPT_DECRYPT',
    MultiRegion: multiRegion,
    Description: description,
    Policy: typeof policy === 'object' ? JSON.stringify(policy) : policy,
  })
  const { KeyId: keyId } = KeyMetadata as { KeyId: string }
  if (alias !== undefined) {
    try {
      await perform(CreateAlias, call, { AliasName: alias, TargetKeyId: keyId })
    } catch (error) {
      account.region(region).keys.delete(keyId)
      account.save()
      throw error
    }
  }
  return { keyId, arn: keyArn(region, account.id, keyId) }
}
