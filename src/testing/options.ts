import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { KmsBuildError } from '../errors.js'
import type { Options } from '../options/types.js'
import { findUpwards } from '../util/find-upwards.js'

const CONFIG_FILES = ['js', 'mjs', 'ts', 'mts'].map((end) => `unplugin-kms.config.${end}`)

/** Replaces the option `dev.values`: the path of a dotenv file, or `none` to seal and open as a build does. */
export const DEV_VALUES_VARIABLE = 'UNPLUGIN_KMS_DEV_VALUES'
/** The path of the configuration file. */
export const CONFIG_VARIABLE = 'UNPLUGIN_KMS_CONFIG'

/** Where the options of tests come from. It can be sent to another thread if its options can. */
export interface OptionsSource {
  /** The plugin's options. Absent: those of the configuration file. */
  options?: Options | undefined
  /** The path of a configuration file, relative to `root`. */
  config?: string | undefined
  root: string
}

/**
 * Returns the options of tests and scripts: those that were passed, or else the default export of
 * `unplugin-kms.config.js`.
 *
 * @throws KmsBuildError OPTIONS_INVALID
 */
export async function loadOptions(
  { options, config, root }: OptionsSource,
  environment: Record<string, string | undefined> = process.env,
): Promise<Options> {
  const loaded = { ...(options ?? (await readConfig(root, config, environment))) }
  const values = environment[DEV_VALUES_VARIABLE]
  if (values === 'none') delete loaded.dev
  else if (values) loaded.dev = { values: resolve(root, values) }
  else if (typeof loaded.dev?.values === 'string')
    loaded.dev = { values: resolve(root, loaded.dev.values) }
  if (loaded.secretsFile !== undefined) loaded.secretsFile = resolve(root, loaded.secretsFile)
  else if (root !== process.cwd()) {
    const found = findUpwards(root, 'kms-secrets.json')
    if (existsSync(found)) loaded.secretsFile = found
  }
  return loaded
}

async function readConfig(
  root: string,
  config: string | undefined,
  environment: Record<string, string | undefined>,
): Promise<Options> {
  const given = config ?? environment[CONFIG_VARIABLE]
  const path = given
    ? resolve(root, given)
    : CONFIG_FILES.map((name) => resolve(root, name)).find((file) => existsSync(file))
  if (path === undefined) return {}
  let loaded: { default?: unknown }
  try {
    loaded = (await import(pathToFileURL(path).href)) as typeof loaded
  } catch (error) {
    throw new KmsBuildError(
      'OPTIONS_INVALID',
      `the configuration file ${path} cannot be loaded: ${(error as Error).message}`,
      undefined,
      { cause: error },
    )
  }
  const options = loaded.default
  if (typeof options === 'object' && options !== null) return options
  throw new KmsBuildError(
    'OPTIONS_INVALID',
    `the configuration file ${path} has no options as its default export. Write: export default { dev: { values: '.env.test' } }.`,
  )
}
