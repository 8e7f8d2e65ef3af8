import { sortedContext } from '../crypto/data-key-pair.js'
import type { Opening } from './openings.js'

/** Operator to condition key to value, as policies have it. */
export type Condition = Record<string, Record<string, string | string[]>>

/** A statement that allows. */
export interface Statement {
  Sid: string
  Effect: 'Allow'
  /** In a key policy only. */
  Principal?: { AWS: string }
  Action: string
  Resource: string | string[]
  Condition?: Condition
}

/** Whose policy it is: the function's role, the build's role, or a KMS key. */
export type PolicyOf = 'runtime' | 'build' | 'key'

export interface PolicyDocument {
  Version: '2012-10-17'
  Statement: Statement[]
}

export const documentOf = (statements: Statement[]): PolicyDocument => ({
  Version: '2012-10-17',
  Statement: statements,
})

/** A list of one is written as the one. */
export const oneOrMore = (values: Iterable<string>): string | string[] => {
  const list = [...new Set(values)].sort()
  return list.length === 1 ? list[0]! : list
}

/**
 * Allows this encryption context and no other: each pair must be there, and nothing besides. IAM
 * compares the names of condition keys without case; `kms:EncryptionContextKeys` holds them to it.
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

/** A text in which IAM finds no policy variable: `${aws:username}` would stand for another. */
const literal = (text: string) => text.replaceAll('${', '${$}{')

/** A statement for each encryption context, with the keys that are used with it. */
export function statementsFor(action: string, sid: string, openings: Opening[]): Statement[] {
  const byContext = new Map<string, { Condition: Condition; keyArns: string[] }>()
  for (const { keyArn, encryptionContext } of openings) {
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
