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
  return {
    name: NAME,
    enforce: 'pre',
    transform: transformHook(build, (context) => ({ client: isClient(context) })),
    vite: { ...rollupLike(build), configResolved: ({ root }) => build.setRoot(root) },
  }
})
export default kms

// Vitest says `client` of a jsdom environment, and runs it in Node all the same.
const isClient = (context: unknown) =>
  !process.env.VITEST &&
  (context as { environment?: { config: { consumer: string } } }).environment?.config.consumer === 'client'
