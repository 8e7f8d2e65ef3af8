import { callContext } from '../auth/call-context.js'
import { requestContext } from '../auth/conditions.js'
import { evaluate, type Denial } from '../auth/evaluate.js'
import { parsePolicy } from '../auth/policy.js'
import { AwsError } from '../errors.js'
import type { Call } from '../protocol/service.js'
import type { FoundKey } from './find-key.js'
import { KEY_USAGE } from './metadata.js'

/** Condition keys beyond those that every call has. */
export type Conditions = Iterable<[string, string | number | boolean | readonly string[] | undefined]>

/**
 * Checks a permission on a key: its key policy, together with the caller's IAM policies.
 *
 * @param onCiphertext for Decrypt, whose refusals do not name the key
 * @throws AwsError AccessDeniedException
 */
export function authorizeKey(
  call: Call,
  name: string,
  { key, arn, requestAlias }: FoundKey,
  conditions: Conditions = [],
  { onCiphertext = false } = {},
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
      ['kms:ResourceAliases', present(
        aliases.filter((alias) => alias.targetKeyId === key.keyId).map((alias) => alias.name),
      )],
      ...key.tags.map(({ TagKey, TagValue }): [string, string] => [
        `aws:ResourceTag/${TagKey}`,
        TagValue,
      ]),
      ...conditions,
    ]),
  })
  if (denial === undefined) return
  const resource = onCiphertext ? 'the resource associated with this ciphertext' : `resource: ${arn}`
  const reason =
    onCiphertext && denial.endsWith('-resource')
      ? 'because the resource does not exist in this Region, no resource-based policies allow ' +
        'access, or a resource-based policy explicitly denies access'
      : undefined
  throw denied(call, denial, resource, `kms:${name}`, reason)
}

/** Checks a permission that IAM policies alone decide: on the account, or on an alias. */
export function authorizeAccount(
  call: Call,
  name: string,
  resource = '*',
  conditions: Conditions = [],
): void {
  const denial = evaluate({
    caller: call.caller,
    action: `kms:${name}`,
    resource,
    context: requestContext([...callContext(call), ...kmsContext(call), ...conditions]),
  })
  if (denial !== undefined) throw denied(call, denial, `resource: ${resource}`, `kms:${name}`)
}

/** The condition keys that an encryption context brings into a request. */
export function contextConditions(
  context: Readonly<Record<string, string>>,
): [string, string | string[] | undefined][] {
  return [
    ...Object.entries(context).map(([name, value]): [string, string] => [
      `kms:EncryptionContext:${name}`,
      value,
    ]),
    ['kms:EncryptionContextKeys', present(Object.keys(context))],
  ]
}

function kmsContext(call: Call): [string, string | undefined][] {
  return [
    ['kms:ViaService', call.viaService],
    ['kms:CallerAccount', call.caller.accountId],
  ]
}

const present = (values: string[]): string[] | undefined =>
  values.length > 0 ? values : undefined

const REASONS: Readonly<Record<Denial, (action: string) => string>> = {
  'explicit-deny-identity': () => 'with an explicit deny in an identity-based policy',
  'explicit-deny-resource': () => 'with an explicit deny in a resource-based policy',
  'no-identity-allow': (action) => `because no identity-based policy allows the ${action} action`,
  'no-resource-allow': (action) => `because no resource-based policy allows the ${action} action`,
}

/** AccessDeniedException, in the words of AWS's authorisation layer. */
export function denied(
  call: Call,
  denial: Denial,
  resource: string,
  action = `kms:${call.entry.operation}`,
  reason = REASONS[denial](action),
): AwsError {
  return new AwsError(
    'AccessDeniedException',
    `User: ${call.caller.arn} is not authorized to perform: ${action} on ${resource} ${reason}`,
    { messageField: 'Message' },
  )
}
