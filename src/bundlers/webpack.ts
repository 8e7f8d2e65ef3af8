import { createWebpackPlugin } from 'unplugin'
import type { Options } from '../options/types.js'
import { BuildSession } from '../pipeline/session.js'
import { callable } from './require-default.js'
import { attach, webpackLike } from './webpack-like.js'

/**
 * Returns the webpack plugin. Put it first in the array of plugins.
 *
 * @example
 * ```js
 * // webpack.config.mjs
 * import kms from 'unplugin-kms/webpack'
 *
 * export default {
 *   entry: './src/handler.ts',
 *   target: 'node',
 *   plugins: [kms({ keyId: 'alias/app' })],
 * }
 * ```
 */
const kms = createWebpackPlugin<Options | undefined>((options) => {
  const build = new BuildSession(options)
  return {
    ...webpackLike(build),
    webpack: (compiler) => attach(build, compiler),
  }
})
callable(kms)
export { kms as default, kms as 'module.exports' }
