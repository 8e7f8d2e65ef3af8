import { BlockList, isIP } from 'node:net'

/** The condition keys of a request. Names are lower case because IAM compares them without case. */
export type RequestContext = ReadonlyMap<string, readonly string[]>

/** Builds a request context. Omits undefined values. */
export function requestContext(
  keys: Iterable<[string, string | number | boolean | readonly string[] | undefined]>,
): RequestContext {
  const context = new Map<string, readonly string[]>()
  for (const [name, value] of keys) {
    if (value === undefined) continue
    context.set(name.toLowerCase(), Array.isArray(value) ? value : [String(value)])
  }
  return context
}

export const ENCRYPTION_CONTEXT_KEY = 'kms:EncryptionContext:'

/** Returns the condition keys of an encryption context. */
export function contextConditions(
  context: Readonly<Record<string, string>>,
): [string, string | string[] | undefined][] {
  const names = Object.keys(context)
  return [
    ...Object.entries(context).map(([name, value]): [string, string] => [
      `${ENCRYPTION_CONTEXT_KEY}${name}`,
      value,
    ]),
    ['kms:EncryptionContextKeys', names.length > 0 ? names : undefined],
  ]
}

/** Checks all conditions of a statement (operators and keys AND, values of a key OR). */
export function matchesConditions(
  conditions: Record<string, Record<string, string[]>>,
  context: RequestContext,
  expand: (text: string) => string,
): boolean {
  return Object.entries(conditions).every(([operator, keys]) => {
    const test = readOperator(operator)
    return Object.entries(keys).every(([key, wanted]) => {
      const actual = context.get(key.toLowerCase())
      return test !== undefined && test(actual, wanted.map(expand))
    })
  })
}

export const isOperator = (name: string): boolean => readOperator(name) !== undefined

type Test = (actual: readonly string[] | undefined, wanted: string[]) => boolean

function readOperator(name: string): Test | undefined {
  const match = /^(?:(ForAllValues|ForAnyValue):)?(\w+?)(IfExists)?$/.exec(name)
  if (match === null) return undefined
  const [, set, base = '', ifExists] = match
  if (base === 'Null') {
    return (actual, wanted) => wanted.some((value) => (value === 'true') === (actual === undefined))
  }
  const comparison = COMPARISONS[base]
  if (comparison === undefined) return undefined
  const { matches, negated } = comparison
  const isTrue = (value: string, wanted: string[]): boolean =>
    wanted.some((item) => matches(value, item)) !== negated

  return (actual, wanted) => {
    if (actual === undefined) {
      if (set === 'ForAllValues' || ifExists !== undefined) return true
      // A negated comparison with an absent key is true.
      return set === undefined && negated
    }
    if (set === 'ForAllValues') return actual.every((value) => isTrue(value, wanted))
    if (set === 'ForAnyValue' || !negated) return actual.some((value) => isTrue(value, wanted))
    return actual.every((value) => isTrue(value, wanted))
  }
}

interface Comparison {
  matches: (actual: string, wanted: string) => boolean
  negated: boolean
}

const positive = (matches: Comparison['matches']): Comparison => ({ matches, negated: false })
const negative = (matches: Comparison['matches']): Comparison => ({ matches, negated: true })

const equal = (a: string, b: string): boolean => a === b
const equalIgnoringCase = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase()
const numbers = (test: (a: number, b: number) => boolean) => (a: string, b: string) =>
  test(Number(a), Number(b))
const dates = (test: (a: number, b: number) => boolean) => (a: string, b: string) =>
  test(readDate(a), readDate(b))

const COMPARISONS: Record<string, Comparison> = Object.assign(Object.create(null), {
  StringEquals: positive(equal),
  StringNotEquals: negative(equal),
  StringEqualsIgnoreCase: positive(equalIgnoringCase),
  StringNotEqualsIgnoreCase: negative(equalIgnoringCase),
  StringLike: positive(wildcardMatch),
  StringNotLike: negative(wildcardMatch),
  ArnEquals: positive(arnMatch),
  ArnLike: positive(arnMatch),
  ArnNotEquals: negative(arnMatch),
  ArnNotLike: negative(arnMatch),
  Bool: positive(equalIgnoringCase),
  BinaryEquals: positive(equal),
  NumericEquals: positive(numbers((a, b) => a === b)),
  NumericNotEquals: negative(numbers((a, b) => a === b)),
  NumericLessThan: positive(numbers((a, b) => a < b)),
  NumericLessThanEquals: positive(numbers((a, b) => a <= b)),
  NumericGreaterThan: positive(numbers((a, b) => a > b)),
  NumericGreaterThanEquals: positive(numbers((a, b) => a >= b)),
  DateEquals: positive(dates((a, b) => a === b)),
  DateNotEquals: negative(dates((a, b) => a === b)),
  DateLessThan: positive(dates((a, b) => a < b)),
  DateLessThanEquals: positive(dates((a, b) => a <= b)),
  DateGreaterThan: positive(dates((a, b) => a > b)),
  DateGreaterThanEquals: positive(dates((a, b) => a >= b)),
  IpAddress: positive(inBlock),
  NotIpAddress: negative(inBlock),
})

/** Matches `*` with any string and `?` with one character. */
export function wildcardMatch(text: string, pattern: string): boolean {
  const source = pattern.replace(/[.+^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')
  return new RegExp(`^${source.replaceAll('?', '.')}$`, 's').test(text)
}

/** Matches each of an ARN's six parts separately, so that a wildcard does not span a colon. */
function arnMatch(arn: string, pattern: string): boolean {
  const wanted = arnParts(pattern)
  return arnParts(arn).every((part, i) => wildcardMatch(part, wanted[i] ?? ''))
}

function arnParts(text: string): string[] {
  const [a = '', b = '', c = '', d = '', e = '', ...rest] = text.split(':')
  return [a, b, c, d, e, rest.join(':')]
}

function inBlock(address: string, block: string): boolean {
  const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
  const [network = '', bits] = block.split('/')
  if (isIP(network) !== isIP(address) || isIP(network) === 0) return false
  const blocks = new BlockList()
  blocks.addSubnet(network, Number(bits ?? (family === 'ipv6' ? 128 : 32)), family)
  return blocks.check(address, family)
}

/** Parses ISO 8601 or seconds since 1970. Returns milliseconds. */
const readDate = (text: string): number =>
  /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text)
