import { join } from 'node:path'
import * as esbuild from 'esbuild'
import { rollup } from 'rollup'
import transpile from 'rollup-plugin-esbuild'
import { build as vite, type InlineConfig } from 'vite'
import kmsEsbuild from '../../src/bundlers/esbuild.js'
import kmsRollup from '../../src/bundlers/rollup.js'
import kmsVite from '../../src/bundlers/vite.js'
import type { Options } from '../../src/options/types.js'

export interface Job {
  root: string
  /** Entries, relative to the root. */
  entries?: string[]
  format?: 'esm' | 'cjs'
  sourcemap?: boolean | 'inline'
  minify?: boolean
  /** False = build without the plugin. */
  plugin?: boolean
  options?: Options
}

export interface Bundler {
  name: string
  /** Bundles into `<root>/out`, and returns the paths of the entries' outputs and the warnings. */
  bundle(job: Job): Promise<{ outputs: string[]; warnings: string[] }>
}

const rooted = ({ root, options }: Job): Options => ({
  secretsFile: join(root, 'kms-secrets.json'),
  ...options,
})
const entriesOf = ({ root, entries = ['src/main.ts'] }: Job) =>
  entries.map((entry) => join(root, entry))
const named = (job: Job, extension: string) =>
  entriesOf(job).map((entry) =>
    join(
      job.root,
      'out',
      entry
        .split('/')
        .at(-1)!
        .replace(/\.[^.]+$/, extension),
    ),
  )
const extensionOf = ({ format }: Job) => (format === 'cjs' ? '.cjs' : '.mjs')

/** The bundlers, each used as its own documentation shows for a server bundle. */
export const BUNDLERS: Bundler[] = [
  {
    name: 'esbuild',
    async bundle(job) {
      const { warnings } = await esbuild.build({
        entryPoints: entriesOf(job),
        absWorkingDir: job.root,
        outdir: join(job.root, 'out'),
        outExtension: { '.js': extensionOf(job) },
        bundle: true,
        platform: 'node',
        format: job.format ?? 'esm',
        splitting: job.format !== 'cjs' && (job.entries?.length ?? 1) > 1,
        sourcemap: job.sourcemap ?? false,
        minify: job.minify ?? false,
        logLevel: 'silent',
        plugins: job.plugin === false ? [] : [kmsEsbuild(rooted(job))],
      })
      return { outputs: named(job, extensionOf(job)), warnings: warnings.map(({ text }) => text) }
    },
  },
  {
    name: 'rollup',
    async bundle(job) {
      const warnings: string[] = []
      const bundle = await rollup({
        input: entriesOf(job),
        onLog: (_, { message }) => void warnings.push(message),
        external: [/^node:/],
        plugins: [
          ...(job.plugin === false ? [] : [kmsRollup(rooted(job))]),
          transpile({ target: 'es2022', minify: job.minify ?? false }),
        ],
      })
      await bundle.write({
        dir: join(job.root, 'out'),
        format: job.format === 'cjs' ? 'cjs' : 'es',
        entryFileNames: `[name]${extensionOf(job)}`,
        sourcemap: job.sourcemap ?? false,
      })
      await bundle.close()
      return { outputs: named(job, extensionOf(job)), warnings }
    },
  },
  {
    name: 'vite',
    async bundle(job) {
      const warnings: string[] = []
      const config: InlineConfig = {
        root: job.root,
        configFile: false,
        logLevel: 'silent',
        customLogger: {
          ...quiet,
          warn: (message) => void warnings.push(message),
          warnOnce: (message) => void warnings.push(message),
        },
        build: {
          ssr: true,
          outDir: join(job.root, 'out'),
          sourcemap: job.sourcemap ?? false,
          minify: job.minify ? 'esbuild' : false,
          rollupOptions: {
            input: entriesOf(job),
            output: {
              format: job.format === 'cjs' ? 'cjs' : 'es',
              entryFileNames: `[name]${extensionOf(job)}`,
            },
          },
        },
        plugins: job.plugin === false ? [] : [kmsVite(rooted(job))],
      }
      await vite(config)
      return { outputs: named(job, extensionOf(job)), warnings }
    },
  },
]

const quiet = {
  info() {},
  warn() {},
  warnOnce() {},
  error() {},
  clearScreen() {},
  hasErrorLogged: () => false,
  hasWarned: false,
}
