import { rm } from 'node:fs/promises'
import { relative } from 'node:path'
import { rspack, type Configuration as RspackConfiguration } from '@rspack/core'
import { rolldown } from 'rolldown'
import { rollup, type NormalizedOutputOptions, type OutputBundle } from 'rollup'
import { build as viteBuild, type PluginOption, type ResolvedConfig } from 'vite'
import { describe, expect, it } from 'vitest'
import webpack, { type Compiler, type Configuration } from 'webpack'
import kmsRolldown from '../../src/bundlers/rolldown.js'
import kmsRollup from '../../src/bundlers/rollup.js'
import kmsRspack from '../../src/bundlers/rspack.js'
import kmsVite from '../../src/bundlers/vite.js'
import kmsWebpack from '../../src/bundlers/webpack.js'
import { project, secretsFile } from '../support/project.js'

const SOURCES = {
  'src/main.js': `import { a } from './a.js'\nexport const later = () => import('./b.js')\nconsole.log(a)\n`,
  'src/a.js': `export const a = /* a */ 1\n`,
  'src/b.js': `export const b = 'b'\n`,
}

interface PluginLike {
  name?: string
}
/** Names of plugins, without ours. */
const namesOf = (plugins: unknown) =>
  [plugins]
    .flat(Infinity)
    .map((plugin) => (plugin as PluginLike | null)?.name)
    .filter((name) => name !== undefined && !name.startsWith('unplugin-kms'))

/** Records what a plugin after ours is shown, with paths relative to the project. */
function recorder(root: string) {
  const seen: unknown[] = []
  const log = (hook: string, ...facts: unknown[]) =>
    seen.push(JSON.parse(JSON.stringify([hook, ...facts]).replaceAll(root, '')))
  const plugin = {
    name: 'recorder',
    options: (options: { plugins?: unknown }) =>
      log('options', Object.keys(options).sort(), namesOf(options.plugins)) && null,
    configResolved: ({ plugins, build, command, env }: ResolvedConfig) =>
      void log('configResolved', namesOf(plugins), build.outDir, command, env),
    buildStart: (options: { plugins?: unknown }) =>
      void log('buildStart', Object.keys(options).sort(), namesOf(options.plugins)),
    resolveId: (source: string, importer?: string) =>
      log('resolveId', source, importer ?? '') && null,
    transform: (code: string, id: string) => log('transform', id, code) && null,
    buildEnd(this: { getModuleIds(): Iterable<string> }) {
      log('buildEnd', [...this.getModuleIds()].sort())
    },
    outputOptions: (options: object) => log('outputOptions', Object.keys(options).sort()) && null,
    renderChunk: (code: string, chunk: { fileName: string }) =>
      log('renderChunk', chunk.fileName, code) && null,
    generateBundle: (options: NormalizedOutputOptions, bundle: OutputBundle) =>
      void log(
        'generateBundle',
        options.format,
        Object.values(bundle).map((file) => [file.fileName, file.type]),
      ),
    writeBundle: (_: unknown, bundle: OutputBundle) =>
      void log('writeBundle', Object.keys(bundle).sort()),
  }
  return { plugin, seen }
}

const ROLLUP_LIKE: Record<string, (root: string, plugins: unknown[]) => Promise<unknown>> = {
  rollup: async (root, plugins) => {
    const bundle = await rollup({ input: `${root}/src/main.js`, plugins: plugins as [] })
    await bundle.write({ dir: `${root}/out` })
    await bundle.close()
  },
  rolldown: async (root, plugins) => {
    const bundle = await rolldown({
      input: `${root}/src/main.js`,
      cwd: root,
      platform: 'node',
      plugins: plugins as [],
    })
    await bundle.write({ dir: `${root}/out` })
    await bundle.close()
  },
  vite: (root, plugins) =>
    viteBuild({
      root,
      configFile: false,
      logLevel: 'silent',
      plugins: plugins as PluginOption[],
      build: { ssr: 'src/main.js', outDir: 'out' },
    }),
}
const OURS = { rollup: kmsRollup, rolldown: kmsRolldown, vite: kmsVite }

/** Order of files that are read at the same time. */
const ordered = (seen: unknown[]) => seen.map((entry) => JSON.stringify(entry)).sort()

describe('a plugin after ours', () => {
  it.each(['rollup', 'rolldown', 'vite'] as const)(
    'is shown the same options, plugins, modules and results by %s as without us',
    async (host) => {
      const shown: unknown[][] = []
      const root = await project(SOURCES)
      await secretsFile(`${root}/kms-secrets.json`, {})
      for (const hasOurs of [false, true]) {
        await rm(`${root}/out`, { recursive: true, force: true })
        const { plugin, seen } = recorder(root)
        const ours = OURS[host]({ secretsFile: `${root}/kms-secrets.json` })
        await ROLLUP_LIKE[host]!(root, hasOurs ? [ours, plugin] : [plugin])
        shown.push(ordered(seen))
      }
      expect(shown[0]!.length).toBeGreaterThan(8)
      expect(shown[1]).toEqual(shown[0])
    },
  )

  it.each(['webpack', 'rspack'] as const)(
    'is shown the same options, plugins, modules and results by %s as without us',
    async (host) => {
      const shown: unknown[][] = []
      const root = await project(SOURCES)
      await secretsFile(`${root}/kms-secrets.json`, {})
      for (const hasOurs of [false, true]) {
        const ours = (host === 'webpack' ? kmsWebpack : kmsRspack)({
          secretsFile: `${root}/kms-secrets.json`,
        })
        await rm(`${root}/out`, { recursive: true, force: true })
        const seen: unknown[] = []
        const config: Configuration = {
          context: root,
          entry: './src/main.js',
          mode: 'development',
          devtool: false,
          target: 'node',
          output: { path: `${root}/out` },
          plugins: [...(hasOurs ? [ours as never] : []), recordCompiler(root, ours, seen)],
        }
        await new Promise<void>((resolve, reject) => {
          const done = (error: Error | null) => (error ? reject(error) : resolve())
          if (host === 'webpack') webpack(config, done)
          else rspack(config as RspackConfiguration, done)
        })
        shown.push(seen)
      }
      expect(shown[0]!.length).toBeGreaterThan(2)
      expect(shown[1]).toEqual(shown[0])
    },
  )
})

const recordCompiler = (root: string, ours: unknown, seen: unknown[]) => ({
  apply(compiler: Compiler) {
    const log = (hook: string, ...facts: unknown[]) =>
      seen.push(JSON.parse(JSON.stringify([hook, ...facts]).replaceAll(root, '')))
    const { options } = compiler
    log(
      'apply',
      Object.keys(options).sort(),
      options.output.path,
      options.plugins.filter((plugin) => plugin !== ours).length,
    )
    compiler.hooks.compilation.tap('recorder', (compilation) =>
      compilation.hooks.finishModules.tap('recorder', (modules) => {
        log(
          'finishModules',
          [...modules].map((module) => module.identifier().split('!').at(-1)).sort(),
        )
      }),
    )
    compiler.hooks.emit.tap('recorder', (compilation) => {
      log(
        'emit',
        compilation
          .getAssets()
          .map(({ name, source }) => `${name} ${source.source().toString()}`)
          .sort(),
      )
    })
    compiler.hooks.done.tap('recorder', (stats) => {
      const { modules = [], assets = [] } = stats.toJson({
        all: false,
        modules: true,
        assets: true,
      })
      log(
        'done',
        modules.map(({ identifier }) => relative(root, identifier ?? '')).sort(),
        assets.map(({ name, size }) => `${name} ${size}`).sort(),
      )
    })
  },
})
