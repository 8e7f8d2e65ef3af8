import { AwsError } from '../errors.js'

/**
 * Validates one member of a request, and returns its deserialized value. Adds violated constraints
 * to `found`, because AWS's services report all of them in one answer. Throws
 * SerializationException immediately for a value of the wrong JSON type.
 */
export type Member<T> = (value: unknown, path: string, found: string[]) => T

export type Shape = Record<string, Member<unknown>>

export type Input<S extends Shape> = { readonly [K in keyof S]: ReturnType<S[K]> }

/** @throws AwsError SerializationException or ValidationException, with AWS's messages */
export function readInput<S extends Shape>(shape: S, body: unknown): Input<S> {
  if (body === null || typeof body !== 'object' || Array.isArray(body)) throw wrongType()
  const found: string[] = []
  const input: Record<string, unknown> = {}
  for (const [name, member] of Object.entries(shape)) {
    const value = Object.hasOwn(body, name) ? (body as Record<string, unknown>)[name] : undefined
    input[name] = member(value ?? undefined, lowerFirst(name), found)
  }
  if (found.length > 0) {
    const errors = found.length === 1 ? '1 validation error' : `${found.length} validation errors`
    throw new AwsError('ValidationException', `${errors} detected: ${found.join('; ')}`)
  }
  return input as Input<S>
}

export function required<T>(member: Member<T | undefined>): Member<T> {
  return (value, path, found) => {
    if (value === undefined) {
      found.push(`Value null at '${path}' failed to satisfy constraint: Member must not be null`)
    }
    return member(value, path, found) as T
  }
}

/** @param options.sensitive omits the value from messages */
export function string({
  min = 0,
  max,
  pattern,
  sensitive = false,
}: {
  min?: number
  max?: number
  pattern?: RegExp
  sensitive?: boolean
} = {}): Member<string | undefined> {
  return optional((value, path, found) => {
    if (typeof value !== 'string') throw wrongType()
    const what = sensitive ? 'Value' : `Value '${value}'`
    const fail = (rule: string): void => {
      found.push(`${what} at '${path}' failed to satisfy constraint: Member must ${rule}`)
    }
    if (value.length < min) fail(`have length greater than or equal to ${min}`)
    if (max !== undefined && value.length > max) fail(`have length less than or equal to ${max}`)
    if (pattern !== undefined && !pattern.test(value)) {
      fail(`satisfy regular expression pattern: ${pattern.source}`)
    }
    return value
  })
}

export function oneOf<const T extends string>(...values: T[]): Member<T | undefined> {
  return optional((value, path, found) => {
    if (typeof value !== 'string') throw wrongType()
    if (!values.includes(value as T)) {
      found.push(
        `Value '${value}' at '${path}' failed to satisfy constraint: ` +
          `Member must satisfy enum value set: [${values.join(', ')}]`,
      )
    }
    return value as T
  })
}

export function integer({ min, max }: { min: number; max: number }): Member<number | undefined> {
  return optional((value, path, found) => {
    if (typeof value !== 'number' || !Number.isInteger(value)) throw wrongType()
    const fail = (rule: string): void => {
      found.push(
        `Value '${value}' at '${path}' failed to satisfy constraint: Member must have value ${rule}`,
      )
    }
    if (value < min) fail(`greater than or equal to ${min}`)
    if (value > max) fail(`less than or equal to ${max}`)
    return value
  })
}

/** An integer of the query protocol, where it is a string. */
export function numeral(limits: { min: number; max: number }): Member<number | undefined> {
  const member = integer(limits)
  return (value, path, found) =>
    member(typeof value === 'string' && value !== '' ? Number(value) : value, path, found)
}

export function boolean(): Member<boolean | undefined> {
  return optional((value) => {
    if (typeof value !== 'boolean') throw wrongType()
    return value
  })
}

/** Decodes base64. Messages never contain the value. */
export function blob({ min = 1, max }: { min?: number; max: number }): Member<Buffer | undefined> {
  return optional((value, path, found) => {
    if (typeof value !== 'string') throw wrongType()
    if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(value)) {
      throw wrongType()
    }
    const bytes = Buffer.from(value, 'base64')
    const fail = (rule: string): void => {
      found.push(`Value at '${path}' failed to satisfy constraint: Member must have length ${rule}`)
    }
    if (bytes.length < min) fail(`greater than or equal to ${min}`)
    if (bytes.length > max) fail(`less than or equal to ${max}`)
    return bytes
  })
}

export function list<T>(
  member: Member<T | undefined>,
  { min = 0, max = Infinity }: { min?: number; max?: number } = {},
): Member<T[] | undefined> {
  return optional((value, path, found) => {
    if (!Array.isArray(value)) throw wrongType()
    const fail = (rule: string): void => {
      found.push(
        `Value '[${value.join(', ')}]' at '${path}' failed to satisfy constraint: ` +
          `Member must have length ${rule}`,
      )
    }
    if (value.length < min) fail(`greater than or equal to ${min}`)
    if (value.length > max) fail(`less than or equal to ${max}`)
    return value.map((item, i) => member(item, `${path}.${i + 1}.member`, found) as T)
  })
}

/** A map of strings to strings. Converts numbers and booleans to strings, as KMS does. */
export function stringMap(): Member<Record<string, string> | undefined> {
  return optional((value) => {
    if (value === null || typeof value !== 'object' || Array.isArray(value)) throw wrongType()
    const entries = Object.entries(value).map(([name, item]): [string, string] => {
      if (item === null || typeof item === 'object') throw wrongType()
      return [name, String(item)]
    })
    // fromEntries defines properties, so that a pair named __proto__ is safe.
    return Object.fromEntries(entries)
  })
}

export function structure<S extends Shape>(shape: S): Member<Input<S> | undefined> {
  return optional((value, path, found) => {
    if (value === null || typeof value !== 'object' || Array.isArray(value)) throw wrongType()
    const result: Record<string, unknown> = {}
    for (const [name, member] of Object.entries(shape)) {
      const item = (value as Record<string, unknown>)[name] ?? undefined
      result[name] = member(item, `${path}.${lowerFirst(name)}`, found)
    }
    return result as Input<S>
  })
}

/** A member of AWS's API that is not supported. Rejects it instead of ignoring it. */
export function unsupported(): Member<undefined> {
  return (value, path) => {
    if (value === undefined) return undefined
    throw new AwsError('UnsupportedOperationException', `The local KMS does not support ${path}.`)
  }
}

function optional<T>(member: Member<T>): Member<T | undefined> {
  return (value, path, found) => (value === undefined ? undefined : member(value, path, found))
}

const wrongType = (): AwsError => new AwsError('SerializationException')

const lowerFirst = (name: string): string => name.charAt(0).toLowerCase() + name.slice(1)
