import { memoizeAsync } from '../util/memoize-async.js'
import { parseKeyArn } from './key-arn.js'
import type { KmsCalls } from './kms.js'

/** Returns a function that resolves key ids and aliases to key ARNs, with one KMS call for each. */
export function keyArns(kms: Pick<KmsCalls, 'describeKey'>): (keyId: string) => Promise<string> {
  const describe = memoizeAsync((keyId: string) => kms.describeKey(keyId))
  return (keyId) => (parseKeyArn(keyId) ? Promise.resolve(keyId) : describe(keyId))
}
