import { createVitePlugin } from 'unplugin'
import { createBuild } from '../build.js'
import type { Options } from '../options.js'
import { rollupLike } from './rollup-like.js'
import { NAME, transformHook } from './transform.js'

/**
 * The Vite plugin, for SSR builds and other server environments; it stands first in the array of
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
const kms = createVitePlugin<Options | undefined>((options) => {
  const build = createBuild(options)
  let serves = false
  return {
    name: NAME,
    enforce: 'pre',
    transform: transformHook(build, (context) => ({
      // Vitest says `client` of a jsdom environment, and runs it in Node all the same.
      client: isClient(context) && !(serves && process.env.VITEST),
      immediate: serves,
    })),
    vite: {
      ...rollupLike(build),
      configResolved({ root, command }) {
        build.setRoot(root)
        serves = command === 'serve'
      },
    },
  }
})
export default kms

const isClient = (context: unknown) =>
  (context as { environment?: { config: { consumer: string } } }).environment?.config.consumer ===
  'client'
