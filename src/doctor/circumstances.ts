import type { KeyMetadata } from '@aws-sdk/client-kms'
import {
  applies,
  contextConditions,
  requestContext,
  type Policy,
  type RequestContext,
  type Statement,
} from '@unplugin-kms/local-kms'
import { parseKeyArn } from '../seal/key-arn.js'

/** Whether a statement speaks of a call; `maybe` where that hangs on what cannot be known here. */
export type Verdict = 'no' | 'maybe' | 'yes'
const RANK: readonly Verdict[] = ['no', 'maybe', 'yes']

export const best = (verdicts: Verdict[]): Verdict =>
  RANK[Math.max(0, ...verdicts.map((one) => RANK.indexOf(one)))]!
export const worst = (...verdicts: Verdict[]): Verdict =>
  RANK[Math.min(...verdicts.map((one) => RANK.indexOf(one)))]!

/** The function's own kms:Decrypt, as KMS will see it. */
export interface Circumstances {
  action: string
  resource: string
  context: RequestContext
  isKnown: (conditionKey: string) => boolean
}

/** Condition keys that the shim's call lacks: it comes from the function itself, by key ARN. */
const ABSENT = [
  'kms:viaservice',
  'kms:requestalias',
  'kms:grantisforawsresource',
  'aws:calledvia',
  'aws:sourcearn',
  'aws:sourceaccount',
]

export function circumstancesOf(
  role: { arn: string; account: string },
  keyArn: string,
  encryptionContext: Record<string, string>,
  metadata: KeyMetadata | undefined,
): Circumstances {
  const { MultiRegion, MultiRegionConfiguration: regions } = metadata ?? {}
  const keys: [string, string | boolean | string[] | undefined][] = [
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
      ? ([
          ['kms:KeySpec', metadata.KeySpec],
          ['kms:KeyUsage', metadata.KeyUsage],
          ['kms:KeyOrigin', metadata.Origin],
          ['kms:MultiRegion', MultiRegion ?? false],
          ['kms:MultiRegionKeyType', regions?.MultiRegionKeyType],
          ['kms:PrimaryRegion', regions?.PrimaryKey?.Region],
        ] as [string, string | boolean | undefined][])
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

/** Which parts of a statement fit the call. */
export interface Fit {
  action: boolean
  resource: boolean
  condition: Verdict
  verdict: Verdict
}

export function fit(statement: Statement, policy: Policy, call: Circumstances): Fit {
  const { conditions } = statement
  const test = (parts: Partial<Statement>, at = call) =>
    applies({ effect: statement.effect, conditions: {}, ...parts }, policy, at)
  const { actions, notActions, resources, notResources } = statement
  const action = test({ ...(actions && { actions }), ...(notActions && { notActions }) })
  const resource = test({ ...(resources && { resources }), ...(notResources && { notResources }) })
  const condition: Verdict = !test({ conditions: knownOf(conditions, call) })
    ? 'no'
    : unknownKeys(statement, call).length
      ? 'maybe'
      : 'yes'
  return { action, resource, condition, verdict: action && resource ? condition : 'no' }
}

/** The condition keys of a statement whose values only a real call would tell. */
export const unknownKeys = ({ conditions }: Statement, { isKnown }: Circumstances): string[] =>
  Object.values(conditions).flatMap((keys) => Object.keys(keys).filter((key) => !isKnown(key)))

function knownOf(conditions: Statement['conditions'], { isKnown }: Circumstances) {
  return Object.fromEntries(
    Object.entries(conditions).map(([operator, keys]) => [
      operator,
      Object.fromEntries(Object.entries(keys).filter(([key]) => isKnown(key))),
    ]),
  )
}

/** Of a statement's conditions those that this call does not meet. */
export function unmet(
  statement: Statement,
  policy: Policy,
  call: Circumstances,
): { operator: string; key: string; wanted: string[]; actual: readonly string[] }[] {
  return Object.entries(statement.conditions).flatMap(([operator, keys]) =>
    Object.entries(keys).flatMap(([key, wanted]) => {
      const alone = { effect: statement.effect, conditions: { [operator]: { [key]: wanted } } }
      if (!call.isKnown(key) || applies(alone, policy, call)) return []
      return [{ operator, key, wanted, actual: call.context.get(key.toLowerCase()) ?? [] }]
    }),
  )
}
