import { parseKeyArn } from './key-arn.js'
import type { KmsCalls } from './kms.js'

/** Gives the key ARN of whatever names a key; KMS is asked once for each name that is no key ARN. */
export function keyArns(kms: Pick<KmsCalls, 'describeKey'>): (keyId: string) => Promise<string> {
  const known = new Map<string, Promise<string>>()
  return (keyId) => {
    if (parseKeyArn(keyId)) return Promise.resolve(keyId)
    let arn = known.get(keyId)
    if (!arn) {
      arn = kms.describeKey(keyId)
      known.set(keyId, arn)
      arn.catch(() => known.delete(keyId))
    }
    return arn
  }
}
