/**
 * A secret, opened when it is awaited. Not a native promise: it prints its name, never its value;
 * used as a string without `await` it throws; and after a failure the next `await` tries again.
 */
export type Secret<T = string> = Promise<T>

export interface Marks {
  /** A literal: a plaintext, or a sealed token (`kms:v1:…`) which passes through as it is. */
  (literal: string): Secret
  /** An environment variable of the build. */
  env(name: string): Secret
  /** A file, relative to the module: its text, its bytes, or its value as JSON. */
  file(path: string): Secret
  file(path: string, as: 'bytes'): Secret<Uint8Array>
  file<T = unknown>(path: string, as: 'json'): Secret<T>
  /** A sealed entry of the secrets file: the build never sees its plaintext. */
  named(name: string): Secret
  named(name: string, as: 'bytes'): Secret<Uint8Array>
  named<T = unknown>(name: string, as: 'json'): Secret<T>
}

export interface SyncMarks {
  (literal: string): string
  env(name: string): string
  file(path: string): string
  file(path: string, as: 'bytes'): Uint8Array
  file<T = unknown>(path: string, as: 'json'): T
  named(name: string): string
  named(name: string, as: 'bytes'): Uint8Array
  named<T = unknown>(name: string, as: 'json'): T
}

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
