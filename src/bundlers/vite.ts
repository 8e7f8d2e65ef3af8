import { createVitePlugin } from 'unplugin'
import type { Options } from '../options/types.js'
import { callable } from './require-default.js'
import { createViteSession, viteHooks } from './vite-hooks.js'

/**
 * Returns the Vite plugin, for SSR builds and other server environments. Put it first in the array of
 * plugins.
 *
 * @example
 * ```js
 * // vite.config.js
 * import kms from 'unplugin-kms/vite'
 *
 * export default {
 *   build: { ssr: 'src/handler.ts' },
 *   plugins: [kms({ keyId: 'alias/app' })],
 * }
 * ```
 */
const kms = createVitePlugin<Options | undefined, true>((options) =>
  viteHooks(createViteSession(options)),
)
callable(kms)
export { kms as default, kms as 'module.exports' }
