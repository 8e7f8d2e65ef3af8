import type { AwsOptions } from '../options/types.js'
import { kmsClients } from './kms.js'
import { clientKms } from './sdk.js'

/** When a KMS key was last used, as KMS tracks it. */
export interface KeyLastUsage {
  keyArn: string
  /** The KMS operation: `Decrypt`, for example. */
  operation: string
  /** ISO 8601. */
  at: string
}

/**
 * Asks KMS when keys were last used (kms:GetKeyLastUsage). Leaves out keys for which the call fails,
 * because not every region has this operation and not every role may call it.
 */
export async function keyLastUsage(keyArns: string[], aws: AwsOptions): Promise<KeyLastUsage[]> {
  const clientFor = kmsClients(aws)
  const answers = keyArns.map(async (keyArn) => {
    const { GetKeyLastUsageCommand } = await clientKms()
    const client = await clientFor(keyArn)
    const { KeyLastUsage: usage } = await client.send(new GetKeyLastUsageCommand({ KeyId: keyArn }))
    if (!usage?.Operation || !usage.Timestamp) return []
    return [{ keyArn, operation: usage.Operation, at: usage.Timestamp.toISOString() }]
  })
  return (await Promise.all(answers.map((answer) => answer.catch(() => [])))).flat()
}
