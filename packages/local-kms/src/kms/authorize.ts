import { callContext } from '../auth/call-context.js'
import { ENCRYPTION_CONTEXT_KEY, requestContext } from '../policy/conditions.js'
import { authorizeByIam, denied, type Conditions } from '../auth/authorize.js'
import { evaluate } from '../policy/evaluate.js'
import { parsePolicy } from '../policy/parse-policy.js'
import type { Call } from '../protocol/call.js'
import type { FoundKey } from './found-key.js'
import { isGranted } from './grants.js'
import { KEY_USAGE } from './metadata.js'

/**
 * Checks a permission on a key, with the key policy and the caller's IAM policies.
 *
 * @param onCiphertext for Decrypt, whose errors do not name the key
 * @param grantOperations for CreateGrant: the operations of the new grant
 * @throws AwsError AccessDeniedException
 */
export function authorizeKey(
  call: Call,
  name: string,
  { key, arn, requestAlias }: FoundKey,
  conditions: Conditions = [],
  {
    onCiphertext = false,
    grantOperations,
  }: { onCiphertext?: boolean; grantOperations?: readonly string[] } = {},
): void {
  const aliases = [...call.account.region(call.region).aliases.values()]
  const denial = evaluate({
    caller: call.caller,
    action: `kms:${name}`,
    resource: arn,
    resourcePolicy: parsePolicy(key.policy, 'resource'),
    context: requestContext([
      ...callContext(call),
      ...kmsContext(call),
      ['kms:KeySpec', key.spec],
      ['kms:KeyUsage', KEY_USAGE],
      ['kms:KeyOrigin', 'AWS_KMS'],
      ['kms:MultiRegion', key.multiRegion !== undefined],
      ['kms:MultiRegionKeyType', key.multiRegion?.type],
      ['kms:PrimaryRegion', key.multiRegion?.primaryRegion],
      ['kms:RequestAlias', requestAlias],
      [
        'kms:ResourceAliases',
        present(
          aliases.filter((alias) => alias.targetKeyId === key.keyId).map((alias) => alias.name),
        ),
      ],
      ...key.tags.map(({ TagKey, TagValue }): [string, string] => [
        `aws:ResourceTag/${TagKey}`,
        TagValue,
      ]),
      ...conditions,
    ]),
  })
  if (denial === undefined) return
  const granted = isGranted(key, call.caller, name, contextIn(conditions), grantOperations)
  if (granted && !denial.startsWith('explicit-deny')) return
  const resource = onCiphertext
    ? 'the resource associated with this ciphertext'
    : `resource: ${arn}`
  const reason =
    onCiphertext && denial.includes('resource')
      ? 'because the resource does not exist in this Region, no resource-based policies allow ' +
        'access, or a resource-based policy explicitly denies access'
      : undefined
  throw denied(call, `kms:${name}`, denial, resource, reason)
}

/** Checks a permission on the account or on an alias, with IAM policies only. */
export function authorizeAccount(
  call: Call,
  name: string,
  resource = '*',
  conditions: Conditions = [],
): void {
  authorizeByIam(call, `kms:${name}`, resource, [...kmsContext(call), ...conditions])
}

/** Returns the encryption context that is part of these condition keys. */
const contextIn = (conditions: Conditions): Record<string, string> =>
  Object.fromEntries(
    [...conditions].flatMap(([name, value]) =>
      name.startsWith(ENCRYPTION_CONTEXT_KEY)
        ? [[name.slice(ENCRYPTION_CONTEXT_KEY.length), String(value)]]
        : [],
    ),
  )

function kmsContext(call: Call): [string, string | undefined][] {
  return [
    ['kms:ViaService', call.viaService],
    ['kms:CallerAccount', call.caller.accountId],
  ]
}

const present = (values: string[]): string[] | undefined => (values.length > 0 ? values : undefined)
