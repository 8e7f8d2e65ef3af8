import { sortedContext } from '../crypto/data-key-pair.js'
import type { DecryptRequest } from './decrypt-requests.js'

/** The `Condition` of a statement: values by operator and condition key. */
export type Condition = Record<string, Record<string, string | string[]>>

/** A policy statement with the effect Allow. */
export interface Statement {
  Sid: string
  Effect: 'Allow'
  /** In a key policy only. */
  Principal?: { AWS: string }
  Action: string
  Resource: string | string[]
  Condition?: Condition
}

/** Where a policy belongs: the function's role, the build's role, or a KMS key. */
export type PolicyOf = 'runtime' | 'build' | 'key'

export interface PolicyDocument {
  Version: '2012-10-17'
  Statement: Statement[]
}

export const documentOf = (statements: Statement[]): PolicyDocument => ({
  Version: '2012-10-17',
  Statement: statements,
})

/** Sorts values and removes duplicates. Returns a single value as a string. */
export const oneOrMore = (values: Iterable<string>): string | string[] => {
  const list = [...new Set(values)].sort()
  return list.length === 1 ? list[0]! : list
}

/**
 * Returns a condition that only this encryption context meets: exactly these pairs, and no others.
 * `kms:EncryptionContextKeys` also compares the case of names, which IAM ignores in condition keys.
 */
export function contextCondition(encryptionContext: Record<string, string>): Condition {
  const pairs = Object.entries(sortedContext(encryptionContext))
  if (!pairs.length) return { Null: { 'kms:EncryptionContextKeys': 'true' } }
  return {
    StringEquals: Object.fromEntries(
      pairs.map(([name, value]) => [`kms:EncryptionContext:${name}`, literal(value)]),
    ),
    'ForAllValues:StringEquals': {
      'kms:EncryptionContextKeys': oneOrMore(pairs.map(([name]) => literal(name))),
    },
  }
}

/** Escapes policy variables: IAM would replace `${aws:username}`. */
const literal = (text: string) => text.replaceAll('${', '${$}{')

/** Returns one statement per encryption context, with the keys that are used with it. */
export function statementsFor(
  action: string,
  sid: string,
  requests: DecryptRequest[],
): Statement[] {
  const byContext = new Map<string, { Condition: Condition; keyArns: string[] }>()
  for (const { keyArn, encryptionContext } of requests) {
    const Condition = contextCondition(encryptionContext)
    const key = JSON.stringify(Condition)
    const { keyArns } = byContext.get(key) ?? { keyArns: [] }
    byContext.set(key, { Condition, keyArns: [...keyArns, keyArn] })
  }
  return [...byContext.values()].map(({ Condition, keyArns }, index) => ({
    Sid: `${sid}${index ? index + 1 : ''}`,
    Effect: 'Allow',
    Action: action,
    Resource: oneOrMore(keyArns),
    Condition,
  }))
}
