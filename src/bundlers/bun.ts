import { Buffer } from 'node:buffer'
import * as crypto from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { createBunPlugin } from 'unplugin'
import type { Options } from '../options/types.js'
import { BuildSession } from '../pipeline/session.js'
import { NODE_BUILD, type Target } from '../pipeline/target.js'
import { callable } from './require-default.js'
import { addEnvironment } from './bun-entries.js'
import { BunHold, mapFor, type BunConfig, type BunResult } from './bun-hold.js'
import { deferLaterPlugins, type BunPlugin } from './bun-later.js'
import { graphOf, type Metafile } from './metafile.js'
import { NAME, transformHook } from './transform.js'
import { virtualModules } from './virtual.js'

/**
 * Returns the plugin for Bun's bundler. Put it first in the array of plugins.
 *
 * @example
 * ```js
 * import kms from 'unplugin-kms/bun'
 *
 * await Bun.build({
 *   entrypoints: ['src/handler.ts'],
 *   outdir: 'dist',
 *   target: 'node',
 *   plugins: [kms({ keyId: 'alias/app' })],
 * })
 * ```
 */
const kms = createBunPlugin<Options | undefined>((options) => {
  const build = new BuildSession(options)
  const target: Target = { ...NODE_BUILD }
  const transform = transformHook(build, () => ({ target }))
  return {
    name: NAME,
    buildStart: () => build.start(),
    ...virtualModules(build, () => ({ target })),
    transform: {
      filter: transform.filter,
      // Bun ignores maps of modules, and would embed them in its own map.
      async handler(code, id) {
        const result = await transform.handler.call(this, code, id)
        return result && { code: result.code }
      },
    },
    bun: {
      setup(host) {
        const { config } = host as unknown as Host
        build.setRoot(resolve(config.root ?? '.'))
        target.platform = config.target === 'node' || config.target === 'bun' ? 'node' : 'browser'
        target.withoutMlKem = config.target === 'bun' ? bunWithoutMlKem() : undefined
        target.format = config.format === 'cjs' || config.format === 'iife' ? 'cjs' : 'esm'
        checkOutput(host, build, target)
      },
    },
  }
})
callable(kms)
export { kms as default, kms as 'module.exports' }

/** Returns this Bun if it cannot open ML-KEM pairs: a bundle for Bun most likely runs on the same version. */
const bunWithoutMlKem = (): string | undefined =>
  'decapsulate' in crypto ? undefined : `Bun ${process.versions.bun}`

/** The parts of Bun's plugin API that we use. */
interface Host {
  config: BunConfig & { plugins?: BunPlugin[] }
  onEnd(callback: (result: Result) => Promise<void>): void
}

interface Result extends BunResult {
  outputs: (Blob & { path: string; kind: string })[]
  metafile?: Metafile
}

/** Writes the outputs after the leak check: Bun would write them before `onEnd`. */
function checkOutput({ config, onEnd }: Host, build: BuildSession, target: Target) {
  const hold = new BunHold(config)
  let end: (isChecked: boolean) => void = () => {}
  const isChecked = new Promise<boolean>((settle) => (end = settle))
  deferLaterPlugins(config.plugins ?? [], hold, isChecked, async () => {
    if (hold.outdir !== undefined) await build.outputs.checkFolder(hold.outdir)
  })
  const checkAndWrite = async (result: Result) => {
    const { success, outputs, metafile } = result
    if (!success) return
    const { outdir, metafileName } = hold
    const assets: { name: string; kind?: string; content: Uint8Array }[] = await Promise.all(
      outputs.map(async (output) => {
        const content = new Uint8Array(await output.arrayBuffer())
        const isMap = output.kind === 'sourcemap' && outdir !== undefined
        return {
          name: output.path,
          kind: output.kind,
          content: isMap ? mapFor(outdir, content) : content,
        }
      }),
    )
    if (metafileName !== undefined)
      assets.push({
        name: metafileName,
        content: Buffer.from(JSON.stringify(metafile)),
      })
    await addEnvironment(build, assets, outdir, target)
    await build.outputs.check(assets, metafile && graphOf(metafile, process.cwd()), config)
    for (const { message } of build.warnings()) console.warn(`[${NAME}] ${message}`)
    const folder = outdir ?? resolve('.')
    if (outdir !== undefined) await build.outputs.watchFolder(folder)
    await build.outputs.record(folder, assets, config)
    hold.adjust(result)
    if (outdir === undefined) return
    for (const { name, content } of assets) {
      const path = resolve(folder, name)
      await mkdir(dirname(path), { recursive: true })
      await writeFile(path, content)
    }
    await build.outputs.writeManifest()
  }
  onEnd((result) => {
    // Bun calls onStart during setup, before it reads the options.
    hold.show()
    return checkAndWrite(result).then(
      () => end(result.success),
      (error: unknown) => {
        end(false)
        throw error
      },
    )
  })
}
