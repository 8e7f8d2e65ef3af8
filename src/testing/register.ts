import type { Options } from '../options/types.js'
import { installHooks } from './hooks.js'
import { TestSecrets } from './test-secrets.js'

/**
 * Makes marks work in modules that Node runs without a bundler: tests and scripts. Importing this
 * module does the same with the options of `unplugin-kms.config.js`:
 * `node --import unplugin-kms/register --test`.
 *
 * Modules that were loaded before keep the earlier options.
 *
 * @param options the plugin's options. With `dev.values` no AWS service is called.
 *
 * @example
 * ```js
 * // test/setup.js, for node --import ./test/setup.js --test
 * import { register } from 'unplugin-kms/register'
 *
 * register({ dev: { values: '.env.test' } })
 * ```
 */
export function register(options?: Options): void {
  const root = process.cwd()
  installHooks(new TestSecrets({ options, root }))
}

register()
