/**
 * A secret, opened when it is awaited. Not a native promise: it prints its name, never its value;
 * used as a string without `await` it throws; and after a failure the next `await` tries again.
 */
export type Secret<T = string> = Promise<T>

/** How a mark's value reaches the program; absent: text. */
interface AsBytes {
  as: 'bytes'
}
interface AsJson {
  as: 'json'
}

export interface SsmOptions {
  /**
   * Read the parameter with decryption while building, and seal its value as a literal's: one KMS
   * call for all at run time. Needs kms:Decrypt in the build. Default: false.
   */
  decrypt?: boolean
  /** The KMS key that opens the parameter, where the plugin's own options do not say it. */
  keyId?: string
}

export interface SecretsManagerOptions {
  /** The version's staging label. Default: `AWSCURRENT`. */
  stage?: string
}

export interface CiphertextOptions {
  /** The KMS key that made it, where the plugin's own options do not say it. */
  keyId?: string
  /** As `aws kms encrypt --encryption-algorithm` had it. Default: `SYMMETRIC_DEFAULT`. */
  algorithm?: 'SYMMETRIC_DEFAULT' | 'RSAES_OAEP_SHA_1' | 'RSAES_OAEP_SHA_256' | 'SM2PKE'
}

/**
 * The names of the project's secrets files: filled by the declaration that stands beside each
 * (`kms-secrets.d.ts`), which `init` makes and the commands and the plugin keep up to date.
 */
export interface SecretNames {}

/** What `secret.named` takes: the names that are known, or any text where none is. */
export type SecretName = [keyof SecretNames] extends [never] ? string : `${keyof SecretNames}`

type Opened<Sync extends boolean, T> = Sync extends true ? T : Secret<T>

/** The marks there are. Every argument is static: known without running the module. */
export interface MarksOf<Sync extends boolean> {
  /** A literal: a plaintext, or a sealed token (`kms:v1:…`) which passes through as it is. */
  (literal: string): Opened<Sync, string>
  /** An environment variable of the build. */
  env(name: string): Opened<Sync, string>
  /** A file, relative to the module: its text, its bytes, or its value as JSON. */
  file(path: string): Opened<Sync, string>
  file(path: string, as: 'bytes'): Opened<Sync, Uint8Array>
  file<T = unknown>(path: string, as: 'json'): Opened<Sync, T>
  /** A sealed entry of the secrets file: the build never sees its plaintext. */
  named(name: SecretName): Opened<Sync, string>
  named(name: SecretName, as: 'bytes'): Opened<Sync, Uint8Array>
  named<T = unknown>(name: SecretName, as: 'json'): Opened<Sync, T>
  /**
   * A SecureString of SSM's Parameter Store: its name or ARN, with `:3` or `:label` for a version.
   * Its own ciphertext goes into the bundle, and the build never sees its plaintext.
   */
  ssm(name: string, options?: SsmOptions): Opened<Sync, string>
  ssm(name: string, options: SsmOptions & AsBytes): Opened<Sync, Uint8Array>
  ssm<T = unknown>(name: string, options: SsmOptions & AsJson): Opened<Sync, T>
  /** A secret of Secrets Manager, or the value of one key of its JSON; read and sealed by the build. */
  secretsManager(id: string, options?: SecretsManagerOptions): Opened<Sync, string>
  secretsManager(id: string, options: SecretsManagerOptions & AsBytes): Opened<Sync, Uint8Array>
  secretsManager<T = unknown>(id: string, options: SecretsManagerOptions & AsJson): Opened<Sync, T>
  secretsManager(id: string, key: string, options?: SecretsManagerOptions): Opened<Sync, string>
  secretsManager(
    id: string,
    key: string,
    options: SecretsManagerOptions & AsBytes,
  ): Opened<Sync, Uint8Array>
  secretsManager<T = unknown>(
    id: string,
    key: string,
    options: SecretsManagerOptions & AsJson,
  ): Opened<Sync, T>
  /** A CiphertextBlob in base64, as `aws kms encrypt` prints it, and its encryption context. */
  ciphertext(
    blob: string,
    encryptionContext?: Record<string, string>,
    options?: CiphertextOptions,
  ): Opened<Sync, string>
  ciphertext(
    blob: string,
    encryptionContext: Record<string, string>,
    options: CiphertextOptions & AsBytes,
  ): Opened<Sync, Uint8Array>
  ciphertext<T = unknown>(
    blob: string,
    encryptionContext: Record<string, string>,
    options: CiphertextOptions & AsJson,
  ): Opened<Sync, T>
  /** What one of the functions in the plugin's option `sources` gives for a reference. */
  from(source: string, reference: string): Opened<Sync, string>
  from(source: string, reference: string, as: 'bytes'): Opened<Sync, Uint8Array>
  from<T = unknown>(source: string, reference: string, as: 'json'): Opened<Sync, T>
}

export type Marks = MarksOf<false>
export type SyncMarks = MarksOf<true>

/** Found in a finished bundle, it proves that a mark was bundled but never transformed. */
export const SENTINEL = 'unplugin-kms: this mark was never transformed'

/** What stands behind a mark that no plugin replaced: a function that throws whatever is done. */
export function untransformed<T extends object>(): T {
  const refuse = (): never => {
    throw new Error(
      `${SENTINEL}. Add the plugin (unplugin-kms/esbuild, /rollup, /vite, …), first in the array ` +
        'of plugins, to the build of this file. [MARK_UNTRANSFORMED]',
    )
  }
  return new Proxy(refuse, { get: refuse, set: refuse }) as unknown as T
}
