import { resolve } from 'node:path'
import { KmsBuildError } from '../errors.js'
import { DECLARATION } from '../util/declaration-file.js'
import { findUpwards } from '../util/find-upwards.js'
import { seedOf, pinsIn } from './environment.js'
import { variablesOf } from './process-env.js'
import type { Options, OptionsResolved } from './types.js'
import { mistakeIn } from './validate.js'

const list = <T>(value: T | T[] | undefined): T[] =>
  value === undefined ? [] : Array.isArray(value) ? value : [value]

/** Removes the flags g and y, with which a pattern continues at its last match and misses modules. */
const stateless = ({ source, flags }: RegExp) => new RegExp(source, flags.replace(/[gy]/g, ''))

/**
 * Checks the options and fills in the defaults.
 *
 * @param environment UNPLUGIN_KMS_PIN in it overrides the option `pin`.
 * @throws KmsBuildError OPTIONS_INVALID.
 */
export function resolveOptions(
  options: Options = {},
  root = process.cwd(),
  environment: Record<string, string | undefined> = process.env,
): OptionsResolved {
  const fail = (message: string): never => {
    throw new KmsBuildError('OPTIONS_INVALID', message)
  }
  const mistake = mistakeIn(options)
  if (mistake) fail(mistake)

  if (options.proof && options.leakCheck)
    fail('the options leakCheck and proof are both set, and proof is an alias. Remove proof.')

  const environmentPins = pinsIn(environment)
  const pins = environmentPins.length ? environmentPins : list(options.pin)
  const badPin = pins.find((pin) => !/^sha256:[0-9a-f]{64}$/.test(pin))
  if (badPin !== undefined) fail(`the pin ${badPin} is not sha256: and 64 hex digits.`)

  const devValues = options.dev?.values
  const { existing = 'replace', cjs = 'facade' } = options.processEnvOptions ?? {}
  return {
    root,
    keyIds: list(options.keyId),
    secretsFile: {
      path:
        options.secretsFile === undefined
          ? findUpwards(root, 'kms-secrets.json')
          : resolve(root, options.secretsFile),
      required: options.secretsFile !== undefined,
    },
    pins,
    scopes: options.scopes ?? [],
    seed: seedOf(environment.UNPLUGIN_KMS_SEED),
    encryptionContext: options.encryptionContext,
    mode: options.mode ?? 'envelope',
    sources: options.sources ?? {},
    aws: options.aws ?? {},
    env: options.env ?? process.env,
    plaintextLiterals: options.plaintextLiterals ?? 'warn',
    client: options.client ?? 'error',
    leakCheck: leakCheckOf(options),
    manifest: options.manifest === undefined ? undefined : resolve(root, options.manifest),
    processEnv: variablesOf(options.processEnv),
    processEnvOptions: { existing, cjs },
    devValues: typeof devValues === 'string' ? resolve(root, devValues) : devValues,
    types: options.types ?? true,
    runtime: options.runtime ?? {},
    include: options.include ? list(options.include).map(stateless) : [/\.[cm]?[jt]sx?(?:\?|$)/],
    exclude: [
      ...(options.exclude ? list(options.exclude).map(stateless) : [/[\\/]node_modules[\\/]/]),
      DECLARATION,
    ],
  }
}

function leakCheckOf({ leakCheck, proof }: Options): OptionsResolved['leakCheck'] {
  const {
    minLength = 8,
    except = [],
    removeWritten = false,
    scope = 'command',
  } = leakCheck ?? proof ?? {}
  return { minLength, except, removeWritten, scope, optionName: proof ? 'proof' : 'leakCheck' }
}
