import type { Node } from '@babel/types'
import { KmsBuildError, type Place } from '../../errors.js'
import type { Format } from '../../secret/format.js'
import { staticText, staticValue } from '../../syntax/static-value.js'
import { ALGORITHMS, type Arguments, type MarkOptions, type Source } from './mark.js'

const FORMATS = ['text', 'bytes', 'json'] as const
type Check = 'text' | 'boolean' | readonly string[]

interface Form {
  /** The syntax, for errors. */
  usage: string
  /** Optional arguments after the first string, in this order. */
  rest: ('detail' | 'context' | 'format' | 'options')[]
  /** How many of them are required. */
  required?: number
  options?: Partial<Record<keyof MarkOptions | 'as', Check>>
}

const FORMS: Record<Source, Form> = {
  literal: { usage: "secret('…')", rest: [] },
  env: { usage: "secret.env('NAME')", rest: [] },
  file: { usage: "secret.file('path', 'bytes' or 'json')", rest: ['format'] },
  named: { usage: "secret.named('NAME', 'bytes' or 'json')", rest: ['format'] },
  ssm: {
    usage: "secret.ssm('name', { decrypt, keyId, as })",
    rest: ['options'],
    options: { decrypt: 'boolean', keyId: 'text', as: FORMATS },
  },
  secretsManager: {
    usage: "secret.secretsManager('id', 'key', { stage, as })",
    rest: ['detail', 'options'],
    options: { stage: 'text', as: FORMATS },
  },
  ciphertext: {
    usage: "secret.ciphertext('AQICAH…', { name: 'value' }, { keyId, algorithm, as })",
    rest: ['context', 'options'],
    options: { keyId: 'text', algorithm: ALGORITHMS, as: FORMATS },
  },
  from: {
    usage: "secret.from('source', 'reference', 'bytes' or 'json')",
    rest: ['detail', 'format'],
    required: 1,
  },
}

/** The syntax of all marks, for errors. */
export const MARKS = Object.keys(FORMS).map((source) =>
  source === 'literal' ? "secret('…')" : `secret.${source}('…')`,
)

export const isSource = (name: string): name is Source => Object.hasOwn(FORMS, name)

/**
 * Reads a mark's arguments.
 *
 * @throws KmsBuildError ARGUMENT_NOT_STATIC, FORMAT_UNKNOWN, MARK_OPTION_INVALID.
 */
export function readArguments(source: Source, [first, ...nodes]: Node[], place: Place): Arguments {
  const { usage, rest, required = 0, options: allowed = {} } = FORMS[source]
  const notStatic = (): never => {
    throw new KmsBuildError(
      'ARGUMENT_NOT_STATIC',
      `the arguments of ${usage} must be static: string literals, ` +
        'templates without expressions, sums of these, or object literals of such strings. ' +
        "For a variable of the build use secret.env('NAME').",
      place,
    )
  }
  const argument = first && staticText(first)
  if (argument === undefined) return notStatic()
  const read: Arguments = {
    argument,
    encryptionContext: {},
    options: {},
    format: 'text',
    values: [argument],
  }
  // The key of a secret's JSON is optional before options.
  const slots =
    rest[0] === 'detail' && !required && nodes[0]?.type === 'ObjectExpression'
      ? rest.slice(1)
      : rest
  if (nodes.length < required) return notStatic()
  if (nodes.length > slots.length) {
    if (rest.includes('format') || nodes.length > 1) return notStatic()
    throw new KmsBuildError('FORMAT_UNKNOWN', `${usage} takes one argument.`, place)
  }
  nodes.forEach((node, index) => {
    const slot = slots[index]!
    const value = staticValue(node)
    if (value !== undefined) read.values.push(value)
    if (slot === 'format') read.format = formatOf(value, usage, place)
    else if (value === undefined) notStatic()
    else if (slot === 'detail') read.detail = typeof value === 'string' ? value : notStatic()
    else if (typeof value !== 'object') notStatic()
    else if (slot === 'context') read.encryptionContext = contextOf(value, usage, place)
    else ({ format: read.format, options: read.options } = optionsOf(value, allowed, usage, place))
  })
  return read
}

function formatOf(value: unknown, usage: string, place: Place): Format {
  const format = FORMATS.find((name) => name === value)
  if (format) return format
  throw new KmsBuildError(
    'FORMAT_UNKNOWN',
    `write ${usage}: the last argument is 'bytes', 'json', or absent for a string.`,
    place,
  )
}

function contextOf(context: Record<string, string | boolean>, usage: string, place: Place) {
  if (Object.values(context).every((value) => typeof value === 'string'))
    return context as Record<string, string>
  throw new KmsBuildError(
    'MARK_OPTION_INVALID',
    `write ${usage}: an encryption context maps strings to strings.`,
    place,
  )
}

function optionsOf(
  given: Record<string, string | boolean>,
  allowed: NonNullable<Form['options']>,
  usage: string,
  place: Place,
) {
  for (const [name, value] of Object.entries(given)) {
    const check = Object.hasOwn(allowed, name) ? allowed[name as keyof typeof allowed] : undefined
    const refuse = (what: string): never => {
      throw new KmsBuildError('MARK_OPTION_INVALID', `write ${usage}: ${what}.`, place)
    }
    if (!check) refuse(`the option ${name} does not exist`)
    else if (check === 'boolean' && typeof value !== 'boolean') refuse(`${name} is true or false`)
    else if (check === 'text' && (typeof value !== 'string' || !value))
      refuse(`${name} is a non-empty string`)
    else if (typeof check === 'object' && !check.includes(value as string))
      refuse(`${name} is one of ${check.join(', ')}`)
  }
  const { as = 'text', ...options } = given
  return { format: as as Format, options: options as MarkOptions }
}
