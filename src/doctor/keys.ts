import type { GrantListEntry, KeyMetadata, KMSClient } from '@aws-sdk/client-kms'
import { present } from '../aws/aws-error.js'
import { parseKeyArn } from '../aws/key-arn.js'
import { ask, reason, type Answer } from './ask.js'
import { check, type Check } from './check.js'
import { clientKms } from '../aws/sdk.js'

/** The facts that KMS returns about a key. */
export interface KeyFacts {
  arn: string
  metadata?: KeyMetadata
  /** The key policy as JSON. */
  policy: Answer<string>
  grants: Answer<GrantListEntry[]>
  /** `alias/NAME` of each alias of the key. */
  aliases: Answer<string[]>
  /** Whether the key itself cannot decrypt, whatever policies allow. */
  isUnusable: boolean
  checks: Check[]
}

const DEFAULT_POLICY = 'default'

export async function examineKey(
  arn: string,
  clientFor: (region?: string) => Promise<KMSClient>,
): Promise<KeyFacts> {
  const { DescribeKeyCommand, GetKeyPolicyCommand, paginateListAliases, paginateListGrants } =
    await clientKms()
  const kms = await clientFor(parseKeyArn(arn)!.region)
  const [described, policy, grants, aliases] = await Promise.all([
    ask(async () => present((await kms.send(new DescribeKeyCommand({ KeyId: arn }))).KeyMetadata)),
    ask(async () => {
      const command = new GetKeyPolicyCommand({ KeyId: arn, PolicyName: DEFAULT_POLICY })
      return present((await kms.send(command)).Policy)
    }),
    ask(async () => {
      const all: GrantListEntry[] = []
      for await (const { Grants = [] } of paginateListGrants({ client: kms }, { KeyId: arn }))
        all.push(...Grants)
      return all
    }),
    ask(async () => {
      const all: string[] = []
      for await (const { Aliases = [] } of paginateListAliases({ client: kms }, { KeyId: arn }))
        all.push(...Aliases.map(({ AliasName }) => AliasName!))
      return all
    }),
  ])
  if (!('got' in described)) {
    const missing = described.refused === 'missing'
    const checks = [
      missing
        ? check('found', 'key-exists', 'KEY_MISSING', { arn })
        : check('unchecked', 'key-exists', 'KEY_UNKNOWN', {
            arn,
            reason: reason(described, 'kms:DescribeKey'),
          }),
    ]
    return { arn, policy, grants, aliases, isUnusable: missing, checks }
  }
  const metadata = described.got
  const state = stateOf(arn, metadata)
  const usage = usageOf(arn, metadata)
  return {
    arn,
    metadata,
    policy,
    grants,
    aliases,
    isUnusable: [state, usage].some(({ status }) => status === 'found'),
    checks: [
      check('ok', 'key-exists', 'KEY_EXISTS', { arn }),
      state,
      usage,
      ...(await checkRotation(arn, metadata, kms)),
    ],
  }
}

function stateOf(arn: string, { KeyState, DeletionDate }: KeyMetadata): Check {
  switch (KeyState) {
    case 'Enabled':
      return check('ok', 'key-enabled', 'KEY_ENABLED', { arn })
    case 'Disabled':
      return check('found', 'key-enabled', 'KEY_DISABLED', { arn })
    case 'PendingDeletion':
    case 'PendingReplicaDeletion':
      return check('found', 'key-enabled', 'KEY_PENDING_DELETION', {
        arn,
        ...(DeletionDate && { date: DeletionDate.toISOString().slice(0, 10) }),
      })
    default:
      return check('found', 'key-enabled', 'KEY_UNUSABLE', { arn, state: String(KeyState) })
  }
}

/** A data key pair and an encryption context need a symmetric key. */
function usageOf(arn: string, { KeyUsage, KeySpec }: KeyMetadata): Check {
  if (KeyUsage === 'ENCRYPT_DECRYPT' && KeySpec === 'SYMMETRIC_DEFAULT')
    return check('ok', 'key-usage', 'KEY_SUITABLE', { arn })
  const data = { arn, spec: String(KeySpec), usage: String(KeyUsage) }
  return check('found', 'key-usage', 'KEY_UNSUITABLE', data)
}

/** Only keys with KMS's own key material rotate; a replica rotates with its primary. */
async function checkRotation(
  arn: string,
  { KeyManager, KeySpec, Origin, MultiRegionConfiguration }: KeyMetadata,
  kms: KMSClient,
): Promise<Check[]> {
  if (KeyManager !== 'CUSTOMER' || KeySpec !== 'SYMMETRIC_DEFAULT' || Origin !== 'AWS_KMS')
    return []
  if (MultiRegionConfiguration?.MultiRegionKeyType === 'REPLICA') return []
  const { GetKeyRotationStatusCommand } = await clientKms()
  const status = await ask(() => kms.send(new GetKeyRotationStatusCommand({ KeyId: arn })))
  if (!('got' in status)) {
    // A key that is about to be deleted has no rotation status.
    if (status.refused === 'failed') return []
    const why = reason(status, 'kms:GetKeyRotationStatus')
    return [check('unchecked', 'rotation', 'ROTATION_UNKNOWN', { arn, reason: why })]
  }
  if (status.got.KeyRotationEnabled) return [check('ok', 'rotation', 'ROTATION_ON', { arn })]
  return [check('advice', 'rotation', 'ROTATION_OFF', { arn })]
}
