import type { AwsOptions } from '../options/types.js'
import { kmsClients } from './kms.js'

/** When a KMS key was last used, as KMS tracks it. */
export interface KeyLastUsage {
  keyArn: string
  /** `Decrypt` and others. */
  operation: string
  /** ISO 8601. */
  at: string
}

/**
 * Asks KMS when keys were last used (kms:GetKeyLastUsage). A second source only: a key without an
 * answer is left out, since not every region and role has this operation.
 */
export async function keyLastUsage(keyArns: string[], aws: AwsOptions): Promise<KeyLastUsage[]> {
  const clientFor = kmsClients(aws)
  const answers = keyArns.map(async (keyArn) => {
    const { GetKeyLastUsageCommand } = await import('@aws-sdk/client-kms')
    const client = await clientFor(keyArn)
    const { KeyLastUsage: usage } = await client.send(new GetKeyLastUsageCommand({ KeyId: keyArn }))
    if (!usage?.Operation || !usage.Timestamp) return []
    return [{ keyArn, operation: usage.Operation, at: usage.Timestamp.toISOString() }]
  })
  return (await Promise.all(answers.map((answer) => answer.catch(() => [])))).flat()
}
