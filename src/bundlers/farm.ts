import { Buffer } from 'node:buffer'
import { resolve } from 'node:path'
import { createFarmPlugin } from 'unplugin'
import type { Options } from '../options/types.js'
import { BuildSession } from '../pipeline/session.js'
import { NODE_BUILD, type Target } from '../pipeline/target.js'
import { callable } from './require-default.js'
import { EntryFiles } from './farm-entries.js'
import { NAME, transformHook } from './transform.js'
import { virtualModules } from './virtual.js'

/**
 * The Farm plugin; it stands first in the array of plugins.
 *
 * Farm's persistent cache is turned off: a module kept from an earlier build would hold the value
 * of then, and the proof would not know what to search for.
 *
 * @example
 * ```js
 * // farm.config.mjs
 * import kms from 'unplugin-kms/farm'
 *
 * export default {
 *   compilation: { input: { handler: './src/handler.ts' }, output: { targetEnv: 'node' } },
 *   plugins: [kms({ keyId: 'alias/app' })],
 * }
 * ```
 */
const kms = createFarmPlugin<Options | undefined>((options) => {
  const build = new BuildSession(options)
  const target: Target = { ...NODE_BUILD }
  let folder = ''
  const entryFiles = new EntryFiles()
  return {
    name: NAME,
    enforce: 'pre',
    buildStart: () => build.start(),
    watchChange: (id) => build.forget(id),
    writeBundle: () => build.outputs.writeManifest(),
    ...virtualModules(build, () => ({ target })),
    transform: transformHook(build, () => ({ target })),
    farm: {
      config(config) {
        return { ...config, compilation: { ...config.compilation, persistentCache: false } }
      },
      configResolved({ root, compilation }) {
        entryFiles.configure(compilation)
        if (root) build.setRoot(root)
        folder = resolve(root ?? '', compilation?.output?.path ?? 'dist')
        target.platform = (compilation?.output?.targetEnv ?? 'browser').startsWith('browser')
          ? 'browser'
          : 'node'
        target.format = compilation?.output?.format === 'cjs' ? 'cjs' : 'esm'
      },
      configureCompiler: (compiler) => entryFiles.changeIn(compiler),
      finalizeResources: {
        async executor({ resourcesMap }) {
          const assets = Object.values(resourcesMap).map(({ name, bytes }) => ({
            name,
            content: Buffer.from(bytes),
          }))
          await entryFiles.prepare(build, target)
          await build.outputs.check(assets, undefined, folder)
          await build.outputs.record(folder, assets, folder)
          for (const { message } of build.warnings()) console.warn(`[${NAME}] ${message}`)
          // Handed back, even unchanged resources make Farm 1.7 panic where there are source maps.
          return null
        },
      },
    },
  }
})
callable(kms)
export { kms as default, kms as 'module.exports' }
