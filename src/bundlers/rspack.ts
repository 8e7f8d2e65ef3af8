import { createRspackPlugin } from 'unplugin'
import type { Options } from '../options/types.js'
import { BuildSession } from '../pipeline/session.js'
import { callable } from './require-default.js'
import { attach, webpackLike } from './webpack-like.js'

/**
 * Returns the Rspack plugin, also for Rsbuild (`tools.rspack.plugins`). Put it first in the array of plugins.
 *
 * @example
 * ```js
 * // rspack.config.mjs
 * import kms from 'unplugin-kms/rspack'
 *
 * export default {
 *   entry: './src/handler.ts',
 *   target: 'node',
 *   plugins: [kms({ keyId: 'alias/app' })],
 * }
 * ```
 */
const kms = createRspackPlugin<Options | undefined>((options) => {
  const build = new BuildSession(options)
  return {
    ...webpackLike(build),
    rspack: (compiler) => attach(build, compiler),
  }
})
callable(kms)
export { kms as default, kms as 'module.exports' }
