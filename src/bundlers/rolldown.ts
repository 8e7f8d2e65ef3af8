import { createRolldownPlugin } from 'unplugin'
import type { Options } from '../options/types.js'
import { BuildSession } from '../pipeline/session.js'
import { nodeWithoutMlKem } from '../pipeline/node-target.js'
import { NODE_BUILD, type Target } from '../pipeline/target.js'
import { callable } from './require-default.js'
import { compiledHost, rollupLike } from './rollup-like.js'
import { NAME, transformHook } from './transform.js'

/**
 * Returns the Rolldown plugin, also for tsdown. Put it first in the array of plugins.
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
  const build = new BuildSession(options)
  const target: Target = { ...NODE_BUILD }
  const hooks = rollupLike(
    build,
    (context, importer) => ({ ...compiledHost(context, importer), target }),
    () => target,
  )
  return {
    name: NAME,
    enforce: 'pre',
    transform: transformHook(build, () => ({ target })),
    rolldown: {
      ...hooks,
      options(input) {
        if (input.cwd) build.setRoot(input.cwd)
        target.withoutMlKem = nodeWithoutMlKem(input.transform?.target)
        // Only an explicit `browser` counts: it is also the default.
        target.platform = input.platform === 'browser' ? 'browser' : 'node'
        return hooks.options(input)
      },
    },
  }
})
callable(kms)
export { kms as default, kms as 'module.exports' }
