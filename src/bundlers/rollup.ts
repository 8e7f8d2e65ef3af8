import { readFile } from 'node:fs/promises'
import { createRollupPlugin, type UnpluginOptions } from 'unplugin'
import type { Options } from '../options/types.js'
import { MARKER } from '../pipeline/collect/mark.js'
import { VIRTUAL } from '../pipeline/emit/shim.js'
import { BuildSession } from '../pipeline/session.js'
import { NODE_BUILD, type Target } from '../pipeline/target.js'
import { callable } from './require-default.js'
import { rollupLike } from './rollup-like.js'
import { NAME, transformHook } from './transform.js'
import { OWN_ID } from './virtual.js'

/**
 * The Rollup plugin; it stands first in the array of plugins.
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

/** Returns the plugin of a session, which it may share with others. */
export function rollupHooks(build: BuildSession, target: Target = NODE_BUILD): UnpluginOptions {
  const { load, resolveId, ...hooks } = rollupLike(build)
  return {
    name: NAME,
    // For modules that another plugin loads. Files of our own are transformed in `load`.
    transform: transformHook(build, () => ({ target })),
    rollup: {
      ...hooks,
      resolveId: {
        ...resolveId,
        filter: { id: [resolveId.filter.id, /^node:/] },
        handler(source, importer) {
          if (!source.startsWith('node:')) return resolveId.handler(source, importer)
          // Rollup would warn of an unresolved import in a module that the user never wrote.
          return importer !== undefined && OWN_ID.test(importer)
            ? { id: source, external: true }
            : null
        },
      },
      // Of a module that another plugin loads, the cache has the values of an earlier build.
      shouldTransformCachedModule: ({ resolvedSources }) =>
        Object.keys(resolvedSources).some((source) => VIRTUAL.test(source)),
      // Rollup keeps what `load` returns for its maps, messages and cache: it never gets the original.
      load: {
        order: 'pre',
        async handler(id) {
          if (load.filter.id.test(id)) return load.handler.call(this, id)
          if (!build.includes(id)) return null
          const code = await readFile(id, 'utf8').catch(() => '')
          if (!code.includes(MARKER)) return null
          // Rollup watches what it reads itself.
          this.addWatchFile(id)
          const watch = (file: string) => this.addWatchFile(file)
          const result = await build.transform(code, id, { target, watch })
          return result && { code: result.code, map: result.map.toString() }
        },
      },
    },
  }
}
