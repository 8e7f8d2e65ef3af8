import { createRolldownPlugin } from 'unplugin'
import { createBuild } from '../build.js'
import type { Options } from '../options.js'
import { rollupLike } from './rollup-like.js'
import { NAME, transformHook } from './transform.js'

/**
 * The Rolldown plugin, for tsdown too; it stands first in the array of plugins.
 *
 * @example
 * ```js
 * // rolldown.config.js
 * import kms from 'unplugin-kms/rolldown'
 *
 * export default {
 *   input: 'src/handler.ts',
 *   platform: 'node',
 *   output: { dir: 'dist', format: 'esm' },
 *   plugins: [kms({ keyId: 'alias/app' })],
 * }
 * ```
 */
const kms = createRolldownPlugin<Options | undefined>((options) => {
  const build = createBuild(options)
  return {
    name: NAME,
    enforce: 'pre',
    transform: transformHook(build),
    rolldown: rollupLike(build),
  }
})
export default kms
