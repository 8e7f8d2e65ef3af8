import { fileURLToPath } from 'node:url'
import { createVitePlugin } from 'unplugin'
import { createViteSession, viteHooks } from '../bundlers/vite-hooks.js'
import type { Options } from '../options/types.js'
import { checkFinishedOutput } from './finished-output.js'

/** The parts of an Astro integration that this integration uses. */
export interface KmsIntegration {
  name: string
  hooks: {
    'astro:config:setup': (setup: { updateConfig: (config: any) => unknown }) => void
    'astro:config:done': (done: { config: { outDir: URL } }) => void
    'astro:build:done': () => Promise<void>
  }
}

/**
 * Returns the Astro integration, for secrets in frontmatter, endpoints, actions and middleware.
 *
 * @example
 * ```js
 * // astro.config.mjs
 * import { defineConfig } from 'astro/config'
 * import kms from 'unplugin-kms/astro'
 *
 * export default defineConfig({
 *   output: 'server',
 *   integrations: [kms({ keyId: 'alias/app' })],
 * })
 * ```
 */
export default function kms(options: Options = {}): KmsIntegration {
  const session = createViteSession(options)
  const plugins = createVitePlugin<undefined, true>(() => viteHooks(session))(undefined)
  let outDir: string
  return {
    name: 'unplugin-kms',
    hooks: {
      'astro:config:setup': ({ updateConfig }) => void updateConfig({ vite: { plugins } }),
      'astro:config:done': ({ config }) => void (outDir = fileURLToPath(config.outDir)),
      // Scripts that Astro inlines into pages are not in a browser bundle.
      'astro:build:done': async () => void (await checkFinishedOutput(session.build, outDir)),
    },
  }
}
