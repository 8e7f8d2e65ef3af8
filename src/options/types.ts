import type { AwsCredentialIdentity, AwsCredentialIdentityProvider } from '@aws-sdk/types'
import type { Settings } from '@unplugin-kms/runtime/shim'

/** A function of the user that returns a secret's value for a reference. */
export type OwnSource = (reference: string) => string | Uint8Array | Promise<string | Uint8Array>

/**
 * The values of marks in a dev server and under Vitest: an object of values by the name of the mark in
 * messages, or the path of a dotenv file.
 */
export type DevValues = Record<string, unknown> | string

/** The source of an environment variable: the sources of marks, as objects. */
export type VariableSource =
  /** An entry of the secrets file. */
  | { named: string }
  /** An environment variable of the build. */
  | { env: string }
  /** A file, relative to the working directory. */
  | { file: string }
  | { ssm: string; decrypt?: boolean; keyId?: string }
  | { secretsManager: string; key?: string; stage?: string }
  | {
      ciphertext: string
      encryptionContext?: Record<string, string>
      keyId?: string
      algorithm?: 'SYMMETRIC_DEFAULT' | 'RSAES_OAEP_SHA_1' | 'RSAES_OAEP_SHA_256' | 'SM2PKE'
    }
  /** A function of the option `sources`. */
  | { from: string; reference: string }

/** How the variables of `processEnv` are set. */
export interface ProcessEnvOptions {
  /**
   * What happens to a variable that is set already: `replace` sets the bundle's value and prints a
   * warning that names the variable, `keep` leaves it as it is. Default: `replace`.
   */
  existing?: 'replace' | 'keep'
  /**
   * How CommonJS output, which cannot wait while it is loaded, sets them. `facade`: its exports are
   * functions that wait. `blocking`: loading blocks the thread until they are set, which takes about
   * 1.7 times as long. Default: `facade`.
   */
  cjs?: 'facade' | 'blocking'
}

/** How the build reaches AWS. Missing settings come from the environment and AWS's configuration files. */
export interface AwsOptions {
  region?: string
  profile?: string
  /**
   * A URL that replaces the endpoints of all AWS services: KMS, SSM, Secrets Manager, STS. To replace
   * one, set AWS_ENDPOINT_URL_KMS, _SSM, _SECRETS_MANAGER or _STS. The shim does not use this option:
   * its endpoint is AWS_ENDPOINT_URL_KMS of its own environment.
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
   * The KMS keys that may decrypt the secrets, each a key id, key ARN, alias or alias ARN. Without a
   * secrets file, each build creates a data key pair under them. With one, the file's pairs must not be
   * wrapped under other keys.
   */
  keyId?: string | string[]
  /** Relative to the working directory. Default: `kms-secrets.json`, if it exists. */
  secretsFile?: string
  /**
   * The pins of the secrets file, each `sha256:` and 64 hex digits: the digest of everything that can
   * decrypt. UNPLUGIN_KMS_PIN overrides it.
   */
  pin?: string | string[]
  /**
   * The scopes of the secrets file that this bundle may use. A mark of another scope fails the build.
   * Values that the build seals itself go to the first one. Default: all, with `default` as the first.
   */
  scopes?: string[]
  /** Bound to the ciphertext and logged in CloudTrail. kms:Decrypt must be called with the same. */
  encryptionContext?: Record<string, string>
  /**
   * `envelope`: seals all plaintexts to one data key pair, which one kms:Decrypt unwraps.
   * `direct`: encrypts each plaintext with KMS, at most 4096 bytes, with one kms:Decrypt for each when it
   * is first awaited. Default: `envelope`.
   */
  mode?: 'envelope' | 'direct'
  /** Functions that `secret.from('vault', 'reference')` calls: `{ vault: (reference) => value }`. */
  sources?: Record<string, OwnSource>
  aws?: AwsOptions
  /** Variables that `secret.env` reads. Default: `process.env`, and under Vite also its `.env` files. */
  env?: Record<string, string | undefined>
  /** What to do about a plaintext written in a source file. Default: `warn`. */
  plaintextLiterals?: 'allow' | 'warn' | 'error'
  /** What to do about a mark in a browser bundle. Default: `error`. */
  client?: 'error' | 'allow'
  /** The leak check, which searches every output for plaintexts before it is written. */
  leakCheck?: {
    /** Plaintexts shorter than this many characters are not searched for. Default: 8. */
    minLength?: number
    /** Names of secrets or their members that outputs may contain: `DB_USER`, `./db.json#engine`. */
    except?: string[]
    /**
     * Whether files that an earlier build of the same command wrote are removed if they contain a
     * plaintext. Default: false.
     */
    removeWritten?: boolean
    /**
     * `command`: searches the outputs of all builds of the project in this process for the plaintexts
     * of all of them, because frameworks build for the browser and the server. `build`: only those of
     * this plugin instance. Default: `command`.
     */
    scope?: 'command' | 'build'
  }
  /** @deprecated The former name of `leakCheck`. */
  proof?: NonNullable<Options['leakCheck']>
  /**
   * Environment variables that the bundle sets before any other module of it is evaluated, for
   * packages that read `process.env` while they are loaded: names of entries of the secrets file,
   * `true` for all its entries, or the source of each variable.
   */
  processEnv?: true | string[] | Record<string, VariableSource>
  processEnvOptions?: ProcessEnvOptions
  dev?: {
    /**
     * Values of marks in Vite's dev server and under Vitest, where no AWS service is called: an object
     * of values by the name of the mark, or the path of a dotenv file. Builds ignore it.
     */
    values: DevValues
  }
  /**
   * A JSON file that lists the secrets in each output, written after a successful build: names, chunks,
   * key ARNs, contexts, never values. Relative to the working directory. Default: none.
   */
  manifest?: string
  /**
   * Whether the build updates the TypeScript declaration of names next to the secrets file, if there
   * is one. Default: true.
   */
  types?: boolean
  /** Settings of the shim. */
  runtime?: Settings
  /** Which modules are transformed. Default: JavaScript and TypeScript, outside node_modules. */
  include?: RegExp | RegExp[]
  exclude?: RegExp | RegExp[]
}

export interface OptionsResolved {
  root: string
  keyIds: string[]
  secretsFile: { path: string; required: boolean }
  pins: string[]
  /** Empty = no restriction. */
  scopes: string[]
  /** From UNPLUGIN_KMS_SEED only: it is as secret as the values that it seals. */
  seed: Uint8Array | undefined
  encryptionContext: Record<string, string> | undefined
  mode: 'envelope' | 'direct'
  sources: Record<string, OwnSource>
  aws: AwsOptions
  env: Record<string, string | undefined>
  plaintextLiterals: 'allow' | 'warn' | 'error'
  client: 'error' | 'allow'
  leakCheck: {
    minLength: number
    except: string[]
    removeWritten: boolean
    scope: 'command' | 'build'
    /** The name that the user set. */
    optionName: 'leakCheck' | 'proof'
  }
  /** Absolute. */
  manifest: string | undefined
  /** `true` = all entries of the secrets file. */
  processEnv: true | Record<string, VariableSource> | undefined
  processEnvOptions: Required<ProcessEnvOptions>
  /** Values, or the absolute path of a file. */
  devValues: DevValues | undefined
  types: boolean
  runtime: Settings
  include: RegExp[]
  exclude: RegExp[]
}
