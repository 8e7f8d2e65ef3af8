import { resolve } from 'node:path'
import type { AwsCredentialIdentity, AwsCredentialIdentityProvider } from '@aws-sdk/types'
import type { Settings } from '@unplugin-kms/runtime/shim'
import { DECLARATION } from '../util/declaration-file.js'
import { KmsBuildError } from '../errors.js'
import type { DevValues } from '../pipeline/resolve/dev-values.js'
import type { OwnSource } from '../pipeline/resolve/remote.js'
import { mistakeIn } from './validate.js'
import { pinsIn } from '../secrets-file/pins.js'

/** How the build reaches AWS; what is absent comes from the environment and AWS's own files. */
export interface AwsOptions {
  region?: string
  profile?: string
  /**
   * A URL that the build asks in place of every AWS service's: KMS, SSM, Secrets Manager, STS. For one
   * alone set AWS_ENDPOINT_URL_KMS, _SSM, _SECRETS_MANAGER or _STS. The shim takes no heed of it: its
   * endpoint is AWS_ENDPOINT_URL_KMS of its own environment.
   */
  endpoint?: string
  credentials?: AwsCredentialIdentity | AwsCredentialIdentityProvider
  /** A role to assume. */
  roleArn?: string
  fips?: boolean
  dualstack?: boolean
}

export interface Options {
  /**
   * The KMS key that may open the secrets, or several: a key id, key ARN, alias or alias ARN.
   * Without a secrets file each build makes a data key pair under it; with one, the file's pairs
   * may be wrapped under no other key.
   */
  keyId?: string | string[]
  /** Relative to the working directory. Default: `kms-secrets.json`, where it exists. */
  secretsFile?: string
  /** `sha256:` and the 64 hex digits of the public key's SPKI; UNPLUGIN_KMS_PIN overrides it. */
  pin?: string | string[]
  /** Bound to the ciphertext, and seen in CloudTrail: Decrypt must give the same. */
  encryptionContext?: Record<string, string>
  /**
   * `envelope`: all plaintexts are sealed to one data key pair, and one kms:Decrypt opens it.
   * `direct`: each is a KMS ciphertext of its own, 4096 bytes at most, and a kms:Decrypt of its own
   * when it is first awaited. Default: `envelope`.
   */
  mode?: 'envelope' | 'direct'
  /** What `secret.from('vault', 'reference')` asks: `{ vault: (reference) => value }`. */
  sources?: Record<string, OwnSource>
  aws?: AwsOptions
  /** What `secret.env` reads. Default: `process.env`, and under Vite its `.env` files too. */
  env?: Record<string, string | undefined>
  /** What to do about a plaintext written in a source file. Default: `warn`. */
  plaintextLiterals?: 'allow' | 'warn' | 'error'
  /** What to do about a mark in a browser bundle. Default: `error`. */
  client?: 'error' | 'allow'
  proof?: {
    /** Plaintexts shorter than this many characters are not searched for. Default: 8. */
    minLength?: number
    /** Names of secrets that may stand in the output, `DB_USER` say. */
    except?: string[]
  }
  dev?: {
    /**
     * What the marks are in Vite's dev server and under Vitest, where no AWS service is asked: values
     * by the names that the marks go by, or the path of a dotenv file. A build ignores it.
     */
    values: DevValues
  }
  /**
   * A JSON file that lists what each output embeds, written when the build has succeeded: names,
   * chunks, key ARNs, contexts, never values. Relative to the working directory. Default: none.
   */
  manifest?: string
  /**
   * Whether the declaration of names for TypeScript that stands beside the secrets file, if one
   * does, is brought up to date. Default: true.
   */
  types?: boolean
  /** How the shim behaves; its own documentation has the defaults. */
  runtime?: Settings
  /** Which modules are looked at. Default: JavaScript and TypeScript, outside node_modules. */
  include?: RegExp | RegExp[]
  exclude?: RegExp | RegExp[]
}

export interface OptionsResolved {
  root: string
  keyIds: string[]
  secretsFile: { path: string; required: boolean }
  pins: string[]
  /** From UNPLUGIN_KMS_SEED alone: it is as secret as what it seals. */
  seed: Uint8Array | undefined
  encryptionContext: Record<string, string> | undefined
  mode: 'envelope' | 'direct'
  sources: Record<string, OwnSource>
  aws: AwsOptions
  env: Record<string, string | undefined>
  plaintextLiterals: 'allow' | 'warn' | 'error'
  client: 'error' | 'allow'
  proof: { minLength: number; except: string[] }
  /** Absolute. */
  manifest: string | undefined
  /** A file's path is absolute. */
  devValues: DevValues | undefined
  types: boolean
  runtime: Settings
  include: RegExp[]
  exclude: RegExp[]
}

const list = <T>(value: T | T[] | undefined): T[] =>
  value === undefined ? [] : Array.isArray(value) ? value : [value]

/** With the flags g or y a pattern goes on from where it last matched, and misses every other module. */
const stateless = ({ source, flags }: RegExp) => new RegExp(source, flags.replace(/[gy]/g, ''))

/**
 * Checks the options and fills in the defaults.
 *
 * @param environment the process's, whose UNPLUGIN_KMS_PIN overrides `pin`.
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

  const vouched = pinsIn(environment)
  const pins = vouched.length ? vouched : list(options.pin)
  const badPin = pins.find((pin) => !/^sha256:[0-9a-f]{64}$/.test(pin))
  if (badPin !== undefined) fail(`the pin ${badPin} is not sha256: and 64 hex digits.`)

  const devValues = options.dev?.values
  return {
    root,
    keyIds: list(options.keyId),
    secretsFile: {
      path: resolve(root, options.secretsFile ?? 'kms-secrets.json'),
      required: options.secretsFile !== undefined,
    },
    pins,
    seed: seedOf(environment.UNPLUGIN_KMS_SEED),
    encryptionContext: options.encryptionContext,
    mode: options.mode ?? 'envelope',
    sources: options.sources ?? {},
    aws: options.aws ?? {},
    env: options.env ?? process.env,
    plaintextLiterals: options.plaintextLiterals ?? 'warn',
    client: options.client ?? 'error',
    proof: { minLength: options.proof?.minLength ?? 8, except: options.proof?.except ?? [] },
    manifest: options.manifest === undefined ? undefined : resolve(root, options.manifest),
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

function seedOf(text: string | undefined): Uint8Array | undefined {
  if (!text) return undefined
  const seed = Buffer.from(text, 'base64')
  if (seed.length >= 32 && seed.toString('base64') === text) return seed
  throw new KmsBuildError(
    'OPTIONS_INVALID',
    'UNPLUGIN_KMS_SEED is not base64 of 32 bytes or more. Make one with: openssl rand -base64 32',
  )
}
