import { createRollupPlugin, createVitePlugin, type UnpluginOptions } from 'unplugin'
import { guardPrerendering, withPrerenderGuard } from '../bundlers/prerender-guard.js'
import { rollupHooks } from '../bundlers/rollup-hooks.js'
import { createViteSession, viteHooks } from '../bundlers/vite-hooks.js'
import type { Options } from '../options/types.js'
import type { BuildSession } from '../pipeline/session.js'
import { checkFinishedOutput } from './finished-output.js'

/** The parts of Nuxt that the module uses. */
interface Nuxt {
  options: {
    dev: boolean
    rootDir: string
    kms?: Options
    vite: { plugins?: unknown[] }
  }
  hook(name: 'nitro:config', register: (config: NitroConfig) => void): unknown
  hook(name: 'nitro:init', register: (nitro: Nitro) => void): unknown
}

interface NitroConfig {
  rollupConfig?: { plugins?: unknown }
}

interface Nitro {
  options: { output: { dir: string } }
  hooks: { hook(name: 'compiled', done: () => Promise<void>): unknown }
}

/**
 * The Nuxt module, for secrets in `server/` and in components that render on the server only.
 *
 * @example
 * ```ts
 * // nuxt.config.ts
 * export default defineNuxtConfig({
 *   modules: ['unplugin-kms/nuxt'],
 *   kms: { keyId: 'alias/app' },
 * })
 * ```
 */
export default function kms(inline: Options | undefined, nuxt: Nuxt): void {
  const { dev, rootDir } = nuxt.options
  const session = createViteSession({ ...nuxt.options.kms, ...inline })
  session.build.setRoot(rootDir)
  const vitePlugins = createVitePlugin<undefined, true>(() =>
    // Vite's root is the folder of the client's code.
    viteHooks({ ...session, root: rootDir }),
  )(undefined)
  nuxt.options.vite.plugins = [vitePlugins, ...(nuxt.options.vite.plugins ?? [])]

  nuxt.hook('nitro:config', (config) => {
    const hooks = rollupHooks(session.build, { platform: 'node', command: dev ? 'serve' : 'build' })
    const plugin = createRollupPlugin<undefined>(() =>
      dev ? hooks : guarded(session.build, hooks),
    )(undefined)
    config.rollupConfig = {
      ...config.rollupConfig,
      plugins: [plugin, config.rollupConfig?.plugins],
    }
  })
  nuxt.hook('nitro:init', ({ options, hooks }) => {
    if (dev) return
    hooks.hook('compiled', async () => {
      await checkFinishedOutput(session.build, options.output.dir)
    })
  })
}

/** Nitro prerenders pages with a separate bundle. */
function guarded(build: BuildSession, hooks: UnpluginOptions): UnpluginOptions {
  const { load, ...rollup } = hooks.rollup as { load: { handler: Load } }
  guardPrerendering(build)
  return {
    ...hooks,
    rollup: {
      ...rollup,
      load: {
        ...load,
        async handler(id) {
          const code = (await load.handler.call(this, id)) as string | null
          return code && withPrerenderGuard(id, code)
        },
      },
    },
  }
}

type Load = (this: unknown, id: string) => unknown

/** The key of the module's options in nuxt.config. */
kms.getMeta = async () => ({ name: 'unplugin-kms', configKey: 'kms' })
