import { Buffer } from 'node:buffer'
import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { createFarmPlugin, type UnpluginOptions } from 'unplugin'
import type { Options } from '../options/types.js'
import { assetOf, type Asset } from '../pipeline/leak-check/examine.js'
import { BuildSession } from '../pipeline/session.js'
import { NODE_BUILD, type Target } from '../pipeline/target.js'
import { filesBelow } from '../util/walk.js'
import { callable } from './require-default.js'
import { EntryFiles } from './farm-entries.js'
import { NAME, transformHook } from './transform.js'
import { virtualModules } from './virtual.js'

/**
 * Returns the Farm plugin. Put it first in the array of plugins.
 *
 * Turns off Farm's persistent cache: a module of an earlier build would contain the earlier value, and the
 * leak check would not know what to search for.
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
const kms = createFarmPlugin<Options | undefined, true>((options) => {
  const build = new BuildSession(options)
  // Farm 1.7 writes top-level await into functions that are not async.
  const target: Target = { ...NODE_BUILD, sync: 'block' }
  let folder = ''
  const entryFiles = new EntryFiles()
  let publicFolder = ''
  const plugin: UnpluginOptions = {
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
      configResolved({ root, compilation, publicDir }) {
        entryFiles.configure(compilation)
        if (root) build.setRoot(root)
        publicFolder = resolve(root ?? '', publicDir ?? 'public')
        folder = resolve(root ?? '', compilation?.output?.path ?? 'dist')
        target.platform = (compilation?.output?.targetEnv ?? 'browser').startsWith('browser')
          ? 'browser'
          : 'node'
        target.format = compilation?.output?.format === 'cjs' ? 'cjs' : 'esm'
      },
      configureCompiler: (compiler) => entryFiles.changeIn(compiler),
    },
  }
  const check = async (resources: Resource[]) => {
    const assets = resources.map(({ name, bytes }) => ({ name, content: Buffer.from(bytes) }))
    await entryFiles.prepare(build, target)
    await build.outputs.check(assets, undefined, folder)
    // Farm copies them when all else is written.
    await build.outputs.checkCopied(await filesIn(publicFolder, build))
    await build.outputs.watchFolder(folder)
    await build.outputs.record(folder, assets, folder)
    for (const { message } of build.warnings()) console.warn(`[${NAME}] ${message}`)
  }
  return [plugin, lastPlugin(check, () => build.outputs.checkFolder(folder))]
})
callable(kms)
export { kms as default, kms as 'module.exports' }

interface Resource {
  name: string
  bytes: number[]
}

/** After plugins of any other priority. */
const LAST = -1_000_000

/** Returns a plugin that checks the resources after all others, and what is written once it is. */
const lastPlugin = (
  check: (resources: Resource[]) => Promise<void>,
  checkWritten: () => Promise<void>,
): UnpluginOptions => ({
  name: `${NAME}:leak-check`,
  farm: {
    priority: LAST,
    finalizeResources: {
      async executor({ resourcesMap }) {
        await check(Object.values(resourcesMap))
        // Returning resources, even unchanged ones, makes Farm 1.7 panic if there are source maps.
        return null
      },
    },
    // Farm does not wait for this hook, and ignores its errors.
    writeResources: {
      executor: () =>
        void checkWritten().catch((error: unknown) => {
          console.error(error instanceof Error ? error.message : error)
          process.exitCode = 1
        }),
    },
  },
})

async function filesIn(folder: string, { fromRoot }: BuildSession): Promise<Asset[]> {
  if (!existsSync(folder)) return []
  const paths = await filesBelow(folder, { skipUnreadable: true })
  return paths.map((path) => assetOf(fromRoot(path), () => readFileSync(path)))
}
