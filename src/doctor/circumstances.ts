import {
  applies,
  contextConditions,
  requestContext,
  type Policy,
  type RequestContext,
  type Statement,
} from '@unplugin-kms/local-kms/policy'
import { parseKeyArn } from '../aws/key-arn.js'
import type { KeyFacts } from './keys.js'

/** Whether a statement matches a call; `maybe` if it depends on values that only a real call has. */
export type Verdict = 'no' | 'maybe' | 'yes'
const RANK: readonly Verdict[] = ['no', 'maybe', 'yes']

export const best = (verdicts: Verdict[]): Verdict =>
  RANK[Math.max(0, ...verdicts.map((one) => RANK.indexOf(one)))]!
export const worst = (...verdicts: Verdict[]): Verdict =>
  RANK[Math.min(...verdicts.map((one) => RANK.indexOf(one)))]!

/** The kms:Decrypt call of the function, with its condition keys. */
export interface Circumstances {
  action: string
  resource: string
  context: RequestContext
  isKnown: (conditionKey: string) => boolean
}

type ConditionKey = [name: string, value: string | boolean | string[] | undefined]
const ofKey = (keys: ConditionKey[]) => keys

/** Condition keys that are absent, because the function calls KMS directly and with a key ARN. */
const ABSENT = [
  'kms:viaservice',
  'kms:requestalias',
  'kms:grantisforawsresource',
  'aws:calledvia',
  'aws:sourcearn',
  'aws:sourceaccount',
  'aws:username',
]

export function circumstancesOf(
  role: { arn: string; account: string },
  { arn: keyArn, metadata, aliases }: KeyFacts,
  encryptionContext: Record<string, string>,
): Circumstances {
  const { MultiRegion, MultiRegionConfiguration: regions } = metadata ?? {}
  const keys: ConditionKey[] = [
    ['aws:PrincipalArn', role.arn],
    ['aws:PrincipalAccount', role.account],
    ['aws:PrincipalType', 'AssumedRole'],
    ['aws:RequestedRegion', parseKeyArn(keyArn)!.region],
    ['aws:SecureTransport', true],
    ['aws:ViaAWSService', false],
    ['aws:CurrentTime', new Date().toISOString()],
    ['kms:CallerAccount', role.account],
    ['kms:EncryptionAlgorithm', 'SYMMETRIC_DEFAULT'],
    ...contextConditions(encryptionContext),
    ...(metadata
      ? ofKey([
          ['kms:KeySpec', metadata.KeySpec],
          ['kms:KeyUsage', metadata.KeyUsage],
          ['kms:KeyOrigin', metadata.Origin],
          ['kms:MultiRegion', MultiRegion ?? false],
          ['kms:MultiRegionKeyType', regions?.MultiRegionKeyType],
          ['kms:PrimaryRegion', regions?.PrimaryKey?.Region],
        ])
      : []),
    ...('got' in aliases
      ? ofKey([['kms:ResourceAliases', aliases.got.length ? aliases.got : undefined]])
      : []),
  ]
  const known = new Set([
    ...ABSENT,
    'kms:encryptioncontextkeys',
    ...keys.map(([name]) => name.toLowerCase()),
  ])
  return {
    action: 'kms:Decrypt',
    resource: keyArn,
    context: requestContext(keys),
    isKnown: (key) => {
      const name = key.toLowerCase()
      return name.startsWith('kms:encryptioncontext:') || known.has(name)
    },
  }
}

/** The parts of a statement, each with whether it matches a call. */
export interface MatchedParts {
  action: boolean
  resource: boolean
  condition: Verdict
  verdict: Verdict
}

/** Matches a statement against a call. */
export function matchStatement(
  statement: Statement,
  policy: Policy,
  call: Circumstances,
): MatchedParts {
  const { conditions } = statement
  const test = (parts: Partial<Statement>, at = call) =>
    applies({ effect: statement.effect, conditions: {}, ...parts }, policy, at)
  const { actions, notActions, resources = [], notResources = [] } = statement
  const action = test({ ...(actions && { actions }), ...(notActions && { notActions }) })
  // A pattern with an unknown variable may match.
  const certain = (patterns: string[]) => patterns.filter((one) => !unknownIn([one], call).length)
  const resource = statement.resources
    ? certain(resources).length < resources.length || test({ resources })
    : test({ notResources: certain(notResources) })
  const condition: Verdict = !test({ conditions: knownOf(conditions, call) })
    ? 'no'
    : unknownKeys(statement, call).length
      ? 'maybe'
      : 'yes'
  return { action, resource, condition, verdict: action && resource ? condition : 'no' }
}

/** Returns the condition keys and variables of a statement whose values only a real call has. */
export const unknownKeys = (statement: Statement, call: Circumstances): string[] => [
  ...unknownIn([...(statement.resources ?? []), ...(statement.notResources ?? [])], call),
  ...Object.values(statement.conditions).flatMap((keys) =>
    Object.entries(keys).flatMap(([key, wanted]) => unknownOf(key, wanted, call)),
  ),
]

const unknownOf = (key: string, wanted: string[], call: Circumstances): string[] =>
  call.isKnown(key) ? unknownIn(wanted, call) : [key]

/** Returns unknown policy variables: `${aws:PrincipalTag/team}`, not `${*}`, an escaped character. */
const unknownIn = (texts: string[], { isKnown }: Circumstances): string[] =>
  texts
    .flatMap((text) => [...text.matchAll(/\$\{([^},*?$]+)/g)].map(([, name]) => name!.trim()))
    .filter((name) => !isKnown(name))

function knownOf(conditions: Statement['conditions'], call: Circumstances) {
  return Object.fromEntries(
    Object.entries(conditions).map(([operator, keys]) => [
      operator,
      Object.fromEntries(
        Object.entries(keys).filter(([key, wanted]) => !unknownOf(key, wanted, call).length),
      ),
    ]),
  )
}

/** Returns the conditions of a statement that this call does not meet. */
export function unmet(
  statement: Statement,
  policy: Policy,
  call: Circumstances,
): { operator: string; key: string; wanted: string[]; actual: readonly string[] }[] {
  return Object.entries(statement.conditions).flatMap(([operator, keys]) =>
    Object.entries(keys).flatMap(([key, wanted]) => {
      const alone = { effect: statement.effect, conditions: { [operator]: { [key]: wanted } } }
      if (unknownOf(key, wanted, call).length || applies(alone, policy, call)) return []
      return [{ operator, key, wanted, actual: call.context.get(key.toLowerCase()) ?? [] }]
    }),
  )
}
