import { BlockList, isIP } from 'node:net'

/**
 * The condition keys of a request: names in lower case (IAM compares them without case), values
 * always a list, and a key that is absent from the request absent here.
 */
export type RequestContext = ReadonlyMap<string, readonly string[]>

/** Builds a request context; undefined values are left out. */
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

/** Whether every condition of a statement holds (operators and keys AND, values of a key OR). */
export function conditionsHold(
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
  const holds = (value: string, wanted: string[]): boolean =>
    wanted.some((item) => matches(value, item)) !== negated

  return (actual, wanted) => {
    if (actual === undefined) {
      if (set === 'ForAllValues' || ifExists !== undefined) return true
      // A negated comparison with an absent key holds: nothing equals the unwanted value.
      return set === undefined && negated
    }
    if (set === 'ForAllValues') return actual.every((value) => holds(value, wanted))
    if (set === 'ForAnyValue' || !negated) return actual.some((value) => holds(value, wanted))
    return actual.every((value) => holds(value, wanted))
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

/** `*` stands for any text, `?` for one character; everything else for itself. */
export function wildcardMatch(text: string, pattern: string): boolean {
  const source = pattern.replace(/[.+^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')
  return new RegExp(`^${source.replaceAll('?', '.')}$`, 's').test(text)
}

/** Each of an ARN's six parts is matched by itself, so that a wildcard crosses no colon. */
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

/** Milliseconds since 1970, from ISO 8601 or from seconds since 1970. */
const readDate = (text: string): number =>
  /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text)
