import type { AwsCredentialIdentity, AwsCredentialIdentityProvider } from '@aws-sdk/types'
import type { Settings } from '@unplugin-kms/runtime/shim'

/** A source of the user's own: gives a secret's value for a reference. */
export type OwnSource = (reference: string) => string | Uint8Array | Promise<string | Uint8Array>

/**
 * What the marks are in a dev server and under Vitest: values by the names that the marks go by in
 * messages, or the absolute path of a dotenv file.
 */
export type DevValues = Record<string, unknown> | string

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
  /**
   * The pin of the secrets file, or several: `sha256:` and 64 hex digits, the digest of everything that
   * can decrypt. UNPLUGIN_KMS_PIN overrides it.
   */
  pin?: string | string[]
  /**
   * The scopes of the secrets file that this bundle may use. A mark of another scope fails the build.
   * Values that the build seals itself go to the first one. Default: all, and `default`.
   */
  scopes?: string[]
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
  /** The search of every output for plaintexts, before it is written. */
  leakCheck?: {
    /** Plaintexts shorter than this many characters are not searched for. Default: 8. */
    minLength?: number
    /** Names of secrets, or of their members, that may be in the output: `DB_USER`, `./db.json#engine`. */
    except?: string[]
    /**
     * Whether files that an earlier build of the same command wrote are removed if they contain a
     * plaintext. Default: false.
     */
    removeWritten?: boolean
    /**
     * `command`: plaintexts and outputs of all builds of the project in this process are searched
     * together, as frameworks build for the browser and the server. `build`: those of this
     * instance of the plugin alone. Default: `command`.
     */
    scope?: 'command' | 'build'
  }
  /** @deprecated The former name of `leakCheck`. */
  proof?: NonNullable<Options['leakCheck']>
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
  /** Empty = no restriction. */
  scopes: string[]
  /** From UNPLUGIN_KMS_SEED alone: it is as secret as what it seals. */
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
    /** The name by which the user gave the option. */
    optionName: 'leakCheck' | 'proof'
  }
  /** Absolute. */
  manifest: string | undefined
  /** A file's path is absolute. */
  devValues: DevValues | undefined
  types: boolean
  runtime: Settings
  include: RegExp[]
  exclude: RegExp[]
}
