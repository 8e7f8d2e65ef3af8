import { createVitePlugin } from 'unplugin'
import { createBuild } from '../build.js'
import type { Options } from '../options.js'
import { isClient, rollupLike } from './rollup-like.js'
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
  let files: Record<string, string> = {}
  const env = new Proxy<Record<string, string | undefined>>(
    {},
    { get: (_, name: string) => process.env[name] ?? files[name] },
  )
  const build = createBuild({ ...options, env: options?.env ?? env })
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
      async configResolved({ root, command, mode, envDir }) {
        build.setRoot(root)
        serves = command === 'serve'
        const { loadEnv } = await import('vite')
        // Its prefix says which variables the browser may have: not asked of secrets.
        files = loadEnv(mode, envDir, '')
      },
    },
  }
})
export default kms
