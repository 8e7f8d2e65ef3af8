/**
 * A secret that is decrypted when it is awaited. Not a native promise: prints its name, never its
 * value; throws if it is used as a string without `await`; tries again at the next `await` after a
 * failure.
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
   * Whether the build reads the parameter decrypted and seals its value as a literal. Saves a KMS call
   * at run time, and needs kms:Decrypt in the build. Default: false.
   */
  decrypt?: boolean
  /** The KMS key of the parameter. Default: the option `keyId` of the plugin. */
  keyId?: string
}

export interface SecretsManagerOptions {
  /** The version's staging label. Default: `AWSCURRENT`. */
  stage?: string
}

export interface CiphertextOptions {
  /** The KMS key of the ciphertext. Default: the option `keyId` of the plugin. */
  keyId?: string
  /** The value of `aws kms encrypt --encryption-algorithm`. Default: `SYMMETRIC_DEFAULT`. */
  algorithm?: 'SYMMETRIC_DEFAULT' | 'RSAES_OAEP_SHA_1' | 'RSAES_OAEP_SHA_256' | 'SM2PKE'
}

/**
 * The names of the project's secrets files. Declared by the file next to each secrets file
 * (`kms-secrets.d.ts`), which `init` creates and the commands and the plugin update.
 */
export interface SecretNames {}

/** The names that `secret.named` accepts: the declared names, or any string if none are declared. */
export type SecretName = [keyof SecretNames] extends [never] ? string : `${keyof SecretNames}`

type MarkResult<Sync extends boolean, T> = Sync extends true ? T : Secret<T>

/** All marks. Every argument is static: known without running the module. */
export interface MarksOf<Sync extends boolean> {
  /** A literal: a plaintext, or a sealed token (`kms:v1:…`), which stays unchanged. */
  (literal: string): MarkResult<Sync, string>
  /** An environment variable of the build. */
  env(name: string): MarkResult<Sync, string>
  /** A file, relative to the module, as a string, bytes or parsed JSON. */
  file(path: string): MarkResult<Sync, string>
  file(path: string, as: 'bytes'): MarkResult<Sync, Uint8Array>
  file<T = unknown>(path: string, as: 'json'): MarkResult<Sync, T>
  /** An entry of the secrets file. The build never has its plaintext. */
  named(name: SecretName): MarkResult<Sync, string>
  named(name: SecretName, as: 'bytes'): MarkResult<Sync, Uint8Array>
  named<T = unknown>(name: SecretName, as: 'json'): MarkResult<Sync, T>
  /**
   * A SecureString of SSM's Parameter Store: its name or ARN, with `:3` or `:label` for a version. The
   * bundle contains the parameter's own ciphertext, and the build never has its plaintext.
   */
  ssm(name: string, options?: SsmOptions): MarkResult<Sync, string>
  ssm(name: string, options: SsmOptions & AsBytes): MarkResult<Sync, Uint8Array>
  ssm<T = unknown>(name: string, options: SsmOptions & AsJson): MarkResult<Sync, T>
  /** A secret of Secrets Manager, or the value of one key of its JSON. The build reads and seals it. */
  secretsManager(id: string, options?: SecretsManagerOptions): MarkResult<Sync, string>
  secretsManager(id: string, options: SecretsManagerOptions & AsBytes): MarkResult<Sync, Uint8Array>
  secretsManager<T = unknown>(
    id: string,
    options: SecretsManagerOptions & AsJson,
  ): MarkResult<Sync, T>
  secretsManager(id: string, key: string, options?: SecretsManagerOptions): MarkResult<Sync, string>
  secretsManager(
    id: string,
    key: string,
    options: SecretsManagerOptions & AsBytes,
  ): MarkResult<Sync, Uint8Array>
  secretsManager<T = unknown>(
    id: string,
    key: string,
    options: SecretsManagerOptions & AsJson,
  ): MarkResult<Sync, T>
  /** A CiphertextBlob in base64, as `aws kms encrypt` prints it, with its encryption context. */
  ciphertext(
    blob: string,
    encryptionContext?: Record<string, string>,
    options?: CiphertextOptions,
  ): MarkResult<Sync, string>
  ciphertext(
    blob: string,
    encryptionContext: Record<string, string>,
    options: CiphertextOptions & AsBytes,
  ): MarkResult<Sync, Uint8Array>
  ciphertext<T = unknown>(
    blob: string,
    encryptionContext: Record<string, string>,
    options: CiphertextOptions & AsJson,
  ): MarkResult<Sync, T>
  /** The value that a function of the option `sources` returns for a reference. */
  from(source: string, reference: string): MarkResult<Sync, string>
  from(source: string, reference: string, as: 'bytes'): MarkResult<Sync, Uint8Array>
  from<T = unknown>(source: string, reference: string, as: 'json'): MarkResult<Sync, T>
}

export type Marks = MarksOf<false>
export type SyncMarks = MarksOf<true>

/** A string that a bundle contains only if it contains a mark that was never transformed. */
export const SENTINEL = 'unplugin-kms: this mark was never transformed'

/** What a marker that no plugin replaced has under this symbol: whether it is the synchronous one. */
export const UNTRANSFORMED = Symbol.for('unplugin-kms.untransformed')

const NAMES = ['env', 'file', 'named', 'ssm', 'secretsManager', 'ciphertext', 'from']

/** Properties that test runners, Promises and debuggers read of any value. */
const ASKED_OF_ALL = new Set<unknown>(['_isMockFunction', '__esModule', 'then', 'length', 'name'])

/**
 * Returns a value in place of a mark that no plugin replaced. Every use of it throws. Its marks are
 * functions of their own, of which test runners can make mocks: `jest.mock('unplugin-kms/secret')`.
 */
export function untransformed<T extends object>(isSync = false): T {
  const refuse = (): never => {
    throw new Error(
      `${SENTINEL}. Add the plugin (unplugin-kms/esbuild, /rollup, /vite, …), first in the array ` +
        'of plugins, to the build of this file. [MARK_UNTRANSFORMED]',
    )
  }
  const mark = () => Object.assign(() => refuse(), { [UNTRANSFORMED]: isSync })
  const marks = Object.fromEntries(NAMES.map((name) => [name, mark()]))
  return new Proxy(Object.assign(mark(), marks), {
    get: (target, key) =>
      Object.hasOwn(target, key) || ASKED_OF_ALL.has(key) || isSilent(key)
        ? Reflect.get(target, key)
        : refuse(),
    set: (target, key, value) =>
      NAMES.includes(key as string) ? Reflect.set(target, key, value) : refuse(),
  }) as unknown as T
}

/** Returns whether a property is a symbol by which JavaScript does not convert to a string. */
const isSilent = (key: string | symbol) => typeof key === 'symbol' && key !== Symbol.toPrimitive
