import { createRollupPlugin } from 'unplugin'
import type { Options } from '../options/types.js'
import { BuildSession } from '../pipeline/session.js'
import { callable } from './require-default.js'
import { rollupHooks } from './rollup-hooks.js'

/**
 * Returns the Rollup plugin. Put it first in the array of plugins.
 *
 * @example
 * ```js
 * // rollup.config.js
 * import kms from 'unplugin-kms/rollup'
 *
 * export default {
 *   input: 'src/handler.ts',
 *   output: { dir: 'dist', format: 'es' },
 *   plugins: [kms({ keyId: 'alias/app' })],
 * }
 * ```
 */
const kms = createRollupPlugin<Options | undefined>((options) =>
  rollupHooks(new BuildSession(options)),
)
callable(kms)
export { kms as default, kms as 'module.exports' }
