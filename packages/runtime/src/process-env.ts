import { environment } from './environment.js'
import { errorOf } from './error.js'
import { once } from './once.js'

/** How {@link processEnv} sets variables. */
export interface ProcessEnvOptions {
  /** What happens to a variable that is set already: the bundle's value replaces it, with a warning, or it stays. */
  existing?: 'replace' | 'keep'
}

/**
 * Returns a function that sets environment variables to secrets: all of them, or none if one cannot be
 * opened. Calls share one run; after a failure, the next call tries again.
 *
 * @param secrets the secrets by the names of their variables
 * @param options see {@link ProcessEnvOptions}
 * @returns the function. Its promise rejects with a KmsSecretError.
 */
export function processEnv(
  secrets: Record<string, PromiseLike<unknown>>,
  options?: ProcessEnvOptions,
): () => Promise<void> {
  return once(async () => {
    const names = unset(Object.keys(secrets), options)
    // Variables that stay are not opened: if all of them do, KMS is not called.
    const values = await Promise.all(names.map(async (name) => secrets[name]))
    setAll(names, values, processEnv)
  })
}

/**
 * Sets environment variables to secrets that are read synchronously: all of them, or none if one
 * cannot be opened.
 *
 * @param secrets functions that return the secrets, by the names of their variables
 * @param options see {@link ProcessEnvOptions}
 * @throws KmsSecretError
 */
export function processEnvSync(
  secrets: Record<string, () => unknown>,
  options?: ProcessEnvOptions,
): void {
  const names = unset(Object.keys(secrets), options)
  setAll(
    names,
    names.map((name) => secrets[name]!()),
    processEnvSync,
  )
}

/** Returns the variables to set. */
const unset = (names: string[], { existing }: ProcessEnvOptions = {}) =>
  existing === 'keep' ? names.filter((name) => environment()[name] === undefined) : names

function setAll(names: string[], values: unknown[], below: Function): void {
  values.forEach((value, index) => {
    // The operating system would cut it off there.
    if (typeof value === 'string' && !value.includes('\0')) return
    const why = 'not text that an environment variable can contain'
    throw errorOf({ code: 'OPEN_FAILED', why, secret: names[index]! }, below)
  })
  const env = environment()
  names.forEach((name, index) => {
    const before = env[name]
    env[name] = values[index] as string
    if (before !== undefined && before !== values[index]) {
      process.emitWarning(
        `the environment variable ${name} was set already. The value in the bundle replaces it. [ENV_REPLACED]`,
        { type: 'KmsSecretWarning', code: 'ENV_REPLACED' },
      )
    }
  })
}
