import type { GrantListEntry, KeyMetadata, KMSClient } from '@aws-sdk/client-kms'
import { present } from '../aws/aws-error.js'
import { parseKeyArn } from '../aws/key-arn.js'
import { ask, reason, type Answer } from './ask.js'
import { check, type Check } from './check.js'

/** What KMS tells of a key that opening needs. */
export interface KeyFacts {
  arn: string
  metadata?: KeyMetadata
  /** The key policy's text, where the caller may read it. */
  policy: Answer<string>
  grants: Answer<GrantListEntry[]>
  /** `alias/NAME` of each that leads to it. */
  aliases: Answer<string[]>
  /** Whether something is wrong with the key itself, so that whatever it should open stays closed. */
  broken: boolean
  checks: Check[]
}

const DEFAULT_POLICY = 'default'

export async function examineKey(
  arn: string,
  clientFor: (region?: string) => Promise<KMSClient>,
): Promise<KeyFacts> {
  const { DescribeKeyCommand, GetKeyPolicyCommand, paginateListAliases, paginateListGrants } =
    await import('@aws-sdk/client-kms')
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
    const says = missing
      ? `${arn} does not exist: it was deleted, or account or region of the ARN are others`
      : `whether ${arn} exists: ${reason(described, 'kms:DescribeKey')}`
    const checks = [
      check(missing ? 'found' : 'unchecked', 'key-exists', says, {
        ...(missing && {
          fix: 'what is sealed under a deleted key alone is lost: make a new pair (npx unplugin-kms init) and set the values anew',
        }),
      }),
    ]
    return { arn, policy, grants, aliases, broken: missing, checks }
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
    broken: [state, usage].some(({ status }) => status === 'found'),
    checks: [
      check('ok', 'key-exists', `${arn} exists`),
      state,
      usage,
      ...(await checkRotation(arn, metadata, kms)),
    ],
  }
}

function stateOf(arn: string, { KeyState, DeletionDate }: KeyMetadata): Check {
  const found = (says: string, fix: string) => check('found', 'key-enabled', says, { fix })
  const at = `--key-id ${arn} --region ${parseKeyArn(arn)!.region}`
  switch (KeyState) {
    case 'Enabled':
      return check('ok', 'key-enabled', `${arn} is enabled`)
    case 'Disabled':
      return found(`${arn} is disabled: it opens nothing`, `aws kms enable-key ${at}`)
    case 'PendingDeletion':
    case 'PendingReplicaDeletion':
      return found(
        `${arn} is about to be deleted${DeletionDate ? ` on ${DeletionDate.toISOString().slice(0, 10)}` : ''}: it opens nothing, and after that never again`,
        `aws kms cancel-key-deletion ${at}, then aws kms enable-key ${at}`,
      )
    default:
      return found(
        `${arn} is in the state ${KeyState}: it opens nothing`,
        'see the key in the console',
      )
  }
}

/** A data key pair and an encryption context take a symmetric key. */
function usageOf(arn: string, { KeyUsage, KeySpec }: KeyMetadata): Check {
  if (KeyUsage === 'ENCRYPT_DECRYPT' && KeySpec === 'SYMMETRIC_DEFAULT')
    return check('ok', 'key-usage', `${arn} encrypts and decrypts`)
  return check(
    'found',
    'key-usage',
    `${arn} is of the kind ${KeySpec}, for ${KeyUsage}: it unwraps nothing`,
    { fix: 'give the symmetric key that encrypted' },
  )
}

/** Only keys whose material KMS made itself rotate; a replica does so with its primary. */
async function checkRotation(
  arn: string,
  { KeyManager, KeySpec, Origin, MultiRegionConfiguration }: KeyMetadata,
  kms: KMSClient,
): Promise<Check[]> {
  if (KeyManager !== 'CUSTOMER' || KeySpec !== 'SYMMETRIC_DEFAULT' || Origin !== 'AWS_KMS')
    return []
  if (MultiRegionConfiguration?.MultiRegionKeyType === 'REPLICA') return []
  const { GetKeyRotationStatusCommand } = await import('@aws-sdk/client-kms')
  const status = await ask(() => kms.send(new GetKeyRotationStatusCommand({ KeyId: arn })))
  if (!('got' in status)) {
    // A key about to be deleted has no rotation to speak of.
    if (status.refused === 'failed') return []
    const why = reason(status, 'kms:GetKeyRotationStatus')
    return [check('unchecked', 'rotation', `whether ${arn} rotates: ${why}`)]
  }
  if (status.got.KeyRotationEnabled) return [check('ok', 'rotation', `${arn} rotates yearly or so`)]
  return [
    check(
      'advice',
      'rotation',
      `${arn} does not rotate by itself; what is sealed opens after a rotation too`,
      {
        fix: `aws kms enable-key-rotation --key-id ${arn} --region ${parseKeyArn(arn)!.region}`,
      },
    ),
  ]
}
