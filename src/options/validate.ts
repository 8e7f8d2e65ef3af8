import { inspect, types } from 'node:util'
import type { Settings } from '@unplugin-kms/runtime/shim'
import { didYouMean } from '../util/did-you-mean.js'
import { isProcessEnv, PROCESS_ENV_ALLOWED } from './process-env.js'
import type { AwsOptions, Options, ProcessEnvOptions } from './types.js'

interface Shape {
  is(value: unknown): boolean
  allowed: string
  /** The value may be a secret: messages do not show it. */
  hidden?: boolean
  /** The options of a nested object. */
  within?: Record<string, Shape>
}

type Shapes<T> = { [Name in keyof Required<T>]: Shape }

const isString = (value: unknown) => typeof value === 'string' && value !== ''
const isFlag = (value: unknown) => typeof value === 'boolean'
const isFunction = (value: unknown) => typeof value === 'function'
const isObject = (value: unknown) =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const isIntegerIn = (least: number, most: number) => (value: unknown) =>
  Number.isInteger(value) && (value as number) >= least && (value as number) <= most
const isListOf = (is: Shape['is']) => (value: unknown) => Array.isArray(value) && value.every(is)
const isMapOf = (is: Shape['is']) => (value: unknown) =>
  isObject(value) && Object.values(value as object).every(is)
const either =
  (...shapes: Shape['is'][]) =>
  (value: unknown) =>
    shapes.some((is) => is(value))

/** Checks that a host name is spelled as `URL.hostname` spells it: the shim compares the two. */
function isHost(value: unknown): boolean {
  try {
    return new URL(`http://${String(value)}`).hostname === value
  } catch {
    return false
  }
}

const string: Shape = { is: isString, allowed: 'a non-empty string' }
const flag: Shape = { is: isFlag, allowed: 'true or false' }
const oneOf = (...texts: string[]): Shape => ({
  is: (value) => texts.includes(value as string),
  allowed: texts.map((each) => `'${each}'`).join(', '),
})
// Above this, Node's timers fire immediately.
const wait: Shape = {
  is: isIntegerIn(1, 2 ** 31 - 1),
  allowed: 'a whole number of milliseconds, 1 or more',
}
const patterns: Shape = {
  is: either(types.isRegExp, isListOf(types.isRegExp)),
  allowed: 'a regular expression, or a list of them: /\\/src\\//',
}
const within = (shapes: Record<string, Shape>): Shape => ({
  is: isObject,
  allowed: `an object of ${Object.keys(shapes).join(', ')}`,
  hidden: true,
  within: shapes,
})

const AWS: Shapes<AwsOptions> = {
  region: string,
  profile: string,
  endpoint: string,
  credentials: {
    is: either(isObject, isFunction),
    allowed: 'an object of accessKeyId and secretAccessKey, or a provider of the AWS SDK',
    hidden: true,
  },
  roleArn: string,
  fips: flag,
  dualstack: flag,
}

// A mistake in these would first show in production, as a secret that cannot be decrypted.
const RUNTIME: Shapes<Settings> = {
  start: oneOf('load', 'first-use'),
  attemptTimeoutMs: wait,
  deadlineMs: wait,
  maxAttempts: { is: isIntegerIn(1, 2 ** 31 - 1), allowed: 'a whole number, 1 or more' },
  insecureHosts: {
    is: isListOf(isHost),
    allowed: "a list of host names, without scheme and port: ['localstack']",
  },
}

const PROCESS_ENV: Shapes<ProcessEnvOptions> = {
  existing: oneOf('replace', 'keep'),
  cjs: oneOf('facade', 'blocking'),
}

const DEV: Shapes<NonNullable<Options['dev']>> = {
  values: {
    is: either(isString, isObject),
    allowed: "an object, name: 'value', or the path of a dotenv file",
    hidden: true,
  },
}

const LEAK_CHECK: Shapes<NonNullable<Options['leakCheck']>> = {
  minLength: { is: isIntegerIn(4, Infinity), allowed: 'a whole number, 4 or more' },
  except: { is: isListOf(isString), allowed: "a list of names: ['DB_USER']" },
  removeWritten: flag,
  scope: oneOf('command', 'build'),
}

const OPTIONS: Shapes<Options> = {
  keyId: {
    is: either(isString, isListOf(isString)),
    allowed:
      'a key id, ARN, alias or alias ARN, or a list of them. Is the variable that it comes from set?',
  },
  secretsFile: { is: isString, allowed: "a path: 'kms-secrets.json'" },
  pin: {
    is: either(isString, isListOf(isString)),
    allowed: 'sha256: and 64 hex digits, or a list of them',
  },
  scopes: {
    is: (value) => isListOf(isString)(value) && (value as string[]).length > 0,
    allowed: "a list of the secrets file's scopes: ['billing']",
  },
  encryptionContext: {
    is: isMapOf((value) => typeof value === 'string'),
    allowed: "an object of strings: { app: 'orders' }",
  },
  mode: oneOf('envelope', 'direct'),
  sources: {
    is: isMapOf(isFunction),
    allowed: "an object of functions, (reference) => the secret's value, or a promise of it",
    hidden: true,
  },
  aws: within(AWS),
  env: { is: isObject, allowed: 'an object of variables', hidden: true },
  plaintextLiterals: oneOf('allow', 'warn', 'error'),
  client: oneOf('error', 'allow'),
  leakCheck: within(LEAK_CHECK),
  proof: within(LEAK_CHECK),
  processEnv: { is: isProcessEnv, allowed: PROCESS_ENV_ALLOWED, hidden: true },
  processEnvOptions: within(PROCESS_ENV),
  dev: {
    ...within(DEV),
    is: (value) => isObject(value) && (value as { values?: unknown }).values !== undefined,
  },
  manifest: { is: isString, allowed: "a path: 'kms-manifest.json'" },
  types: flag,
  runtime: within(RUNTIME),
  include: patterns,
  exclude: patterns,
}

/** Returns what is wrong with the plugin's options; undefined if they are valid. */
export function mistakeIn(
  options: object,
  shapes: Record<string, Shape> = OPTIONS,
  path = '',
): string | undefined {
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(shapes, name))
      return `there is no option ${path}${name}. ${didYouMean(name, Object.keys(shapes))}The options are ${Object.keys(shapes).join(', ')}.`
    const { is, allowed, hidden, within: own } = shapes[name]!
    if (value === undefined) continue
    if (!is(value)) {
      const shown = hidden
        ? 'has no valid value'
        : `is ${inspect(value, { depth: 1, breakLength: Infinity })}`
      return `option ${path}${name} ${shown}. Allowed: ${allowed}.`
    }
    const mistake = own && mistakeIn(value as object, own, `${name}.`)
    if (mistake) return mistake
  }
}
