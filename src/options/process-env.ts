import { KmsBuildError } from '../errors.js'
import { didYouMean } from '../util/did-you-mean.js'
import type { Options, VariableSource } from './types.js'

/** The sources of a variable, and the properties next to each. Those with a `!` are required. */
const SOURCES: Record<string, Record<string, string>> = {
  named: {},
  env: {},
  file: {},
  ssm: { decrypt: 'boolean', keyId: 'string' },
  secretsManager: { key: 'string', stage: 'string' },
  ciphertext: { encryptionContext: 'context', keyId: 'string', algorithm: 'algorithm' },
  from: { reference: 'string!' },
}

const ALGORITHMS = ['SYMMETRIC_DEFAULT', 'RSAES_OAEP_SHA_1', 'RSAES_OAEP_SHA_256', 'SM2PKE']

const CHECKS: Record<string, { is: (value: unknown) => boolean; allowed: string }> = {
  string: {
    is: (value) => typeof value === 'string' && value !== '',
    allowed: 'a non-empty string',
  },
  boolean: { is: (value) => typeof value === 'boolean', allowed: 'true or false' },
  algorithm: {
    is: (value) => ALGORITHMS.includes(value as string),
    allowed: ALGORITHMS.join(', '),
  },
  context: {
    is: (value) => isObject(value) && Object.values(value).every((one) => typeof one === 'string'),
    allowed: "an object of strings: { app: 'orders' }",
  },
}

export const PROCESS_ENV_ALLOWED =
  "true for all entries of the secrets file, a list of them (['STRIPE_KEY']), or an object of sources: { STRIPE_KEY: { env: 'STRIPE_KEY' } }"

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Checks whether a value has the form of the option `processEnv`. What is in it is checked later. */
export const isProcessEnv = (value: unknown): boolean =>
  value === true ||
  isObject(value) ||
  (Array.isArray(value) && value.every((name) => typeof name === 'string'))

/**
 * Returns the source of each variable of the option `processEnv`.
 *
 * @throws KmsBuildError OPTIONS_INVALID. The message contains no value: it may be a plaintext.
 */
export function variablesOf(
  option: Options['processEnv'],
): true | Record<string, VariableSource> | undefined {
  if (option === undefined || option === true) return option
  const entries: [string, unknown][] = Array.isArray(option)
    ? option.map((named) => [named, { named }])
    : Object.entries(option)
  if (!entries.length) throw invalid('processEnv is empty', PROCESS_ENV_ALLOWED)
  for (const [name, source] of entries) {
    if (!/^[^=\0]+$/.test(name) || !name.isWellFormed()) {
      throw invalid(
        'processEnv contains a name that no environment variable can have',
        'names without "=" and NUL',
      )
    }
    checkSource(`processEnv.${name}`, source)
  }
  return Object.fromEntries(entries) as Record<string, VariableSource>
}

function checkSource(path: string, source: unknown): void {
  const forms = Object.keys(SOURCES)
  const example = "an object with a source: { env: 'NAME' }, { ssm: '/path' }, { named: 'NAME' }"
  if (!isObject(source)) throw invalid(`${path} has no valid value`, example)
  const given = forms.filter((form) => Object.hasOwn(source, form))
  const [form, another] = given
  if (form === undefined)
    throw invalid(`${path} has no source`, `one of ${forms.join(', ')}. ${hint(source, forms)}`)
  if (another !== undefined)
    throw invalid(`${path} has the sources ${given.join(' and ')}`, 'one source for a variable')
  const properties: Record<string, string> = { [form]: 'string!', ...SOURCES[form] }
  for (const [name, type] of Object.entries(properties)) {
    const value: unknown = Reflect.get(source, name)
    const { is, allowed } = CHECKS[type.replace('!', '')]!
    if (value === undefined && !type.endsWith('!')) continue
    if (!is(value)) throw invalid(`${path}.${name} has no valid value`, allowed)
  }
  const unknown = Object.keys(source).find((name) => !Object.hasOwn(properties, name))
  if (unknown !== undefined) {
    const names = Object.keys(properties)
    throw invalid(
      `${path} has the unknown property ${unknown}`,
      `${names.join(', ')}. ${didYouMean(unknown, names)}`,
    )
  }
}

const hint = (source: object, forms: string[]) => {
  const [name] = Object.keys(source)
  return name === undefined ? '' : didYouMean(name, forms)
}

function invalid(what: string, allowed: string): KmsBuildError {
  const end = allowed.trim()
  const dot = /[.?]$/.test(end) ? '' : '.'
  return new KmsBuildError('OPTIONS_INVALID', `option ${what}. Allowed: ${end}${dot}`)
}
