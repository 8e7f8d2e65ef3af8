import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { inspect } from 'node:util'
import type { Configuration as RspackConfiguration } from '@rspack/core'
import type * as Esbuild from 'esbuild'
import type { RollupCache } from 'rollup'
import type { InlineConfig, PluginOption } from 'vite'
import type webpack from 'webpack'
import type { Options } from '../../src/options/types.js'

/** A way of keeping the source map; `eval` ones are webpack's and Rspack's alone. */
export type Maps = 'none' | 'file' | 'inline' | 'hidden' | 'nosources' | 'eval' | 'cheap'

/** One cell of the matrix. */
export interface Cell {
  /** Absolute folder of the sources. */
  root: string
  /** Entries by name, files relative to the root. */
  entries: Record<string, string>
  outdir: string
  format: 'esm' | 'cjs'
  maps: Maps
  minify: boolean
  /** A folder that outlives the build. */
  cache?: string | undefined
  browser?: boolean | undefined
  external?: string[] | undefined
  /** A plugin in the bundler's own language, before or after ours. */
  before?: unknown[]
  after?: unknown[]
  /** What a plugin after ours does under Bun and Farm, which build in another process. */
  late?: { does: 'change' | 'write'; text: string } | undefined
  /** The code that a plugin before ours loads for `invented.ts`, under Bun and Farm. */
  invented?: string | undefined
  /** Options in the bundler's own words: those of the output under Rollup and Rolldown. */
  more?: object
  options: Options
}

/** What a user sees of a build: the text of its errors and warnings as a terminal shows them. */
export interface Outcome {
  failed: boolean
  terminal: string
}

export type HostName = keyof typeof HOSTS

const paths = ({ root, entries }: Cell) =>
  Object.fromEntries(Object.entries(entries).map(([name, file]) => [name, join(root, file)]))
const extension = ({ format }: Cell) => (format === 'cjs' ? '.cjs' : '.mjs')

/** Every property of an error, also those that no terminal shows today, down to its causes. */
const said = (error: unknown): string => {
  const { message, frame } = error as Error & { frame?: string }
  const whole = inspect(error, { depth: 9, maxStringLength: Infinity, maxArrayLength: Infinity })
  return [message, frame, whole].filter(Boolean).join('\n')
}

async function settle(work: (log: (text: string) => void) => Promise<unknown>): Promise<Outcome> {
  const log: string[] = []
  try {
    await work((text) => void log.push(text))
    return { failed: false, terminal: log.join('\n') }
  } catch (error) {
    return { failed: true, terminal: [...log, said(error)].join('\n') }
  }
}

// A bundler is loaded when it first builds: most test files need one or two of them.
async function runEsbuild(cell: Cell): Promise<Outcome> {
  const { build, formatMessages } = await import('esbuild')
  const { default: kms } = await import('../../src/bundlers/esbuild.js')
  return settle(async (log) => {
    const show = async (messages: Esbuild.Message[], kind: 'error' | 'warning') =>
      log((await formatMessages(messages, { kind })).join('\n'))
    try {
      const { warnings } = await build({
        entryPoints: paths(cell),
        absWorkingDir: cell.root,
        outdir: cell.outdir,
        outExtension: { '.js': extension(cell) },
        bundle: true,
        platform: cell.browser ? 'browser' : 'node',
        format: cell.format,
        splitting: cell.format === 'esm',
        sourcemap: (
          {
            none: false,
            file: true,
            inline: 'inline',
            hidden: 'external',
            nosources: true,
            eval: 'both',
            cheap: true,
          } as const
        )[cell.maps],
        sourcesContent: cell.maps !== 'nosources',
        minify: cell.minify,
        metafile: true,
        ...(cell.external && { external: cell.external }),
        logLevel: 'silent',
        plugins: [
          ...((cell.before ?? []) as Esbuild.Plugin[]),
          kms(cell.options),
          ...((cell.after ?? []) as Esbuild.Plugin[]),
        ],
        ...cell.more,
      })
      await show(warnings, 'warning')
    } catch (error) {
      const { errors, warnings } = error as Esbuild.BuildFailure
      if (!errors) throw error
      await show([...errors, ...warnings], 'error')
      throw error
    }
  })
}

const rollupMaps = (maps: Maps) =>
  (
    {
      none: false,
      file: true,
      inline: 'inline',
      hidden: 'hidden',
      nosources: true,
      eval: true,
      cheap: true,
    } as const
  )[maps]
/** Rollup's caches, by the folder that the others would write to. */
export const caches = new Map<string, RollupCache>()

async function runRollup(cell: Cell): Promise<Outcome> {
  const { rollup } = await import('rollup')
  const { default: transpile } = await import('rollup-plugin-esbuild')
  const { default: kms } = await import('../../src/bundlers/rollup.js')
  return settle(async (log) => {
    const bundle = await rollup({
      input: paths(cell),
      onLog: (_, entry) => log(said(entry)),
      external: [/^node:/, ...(cell.external ?? [])],
      ...(cell.cache && { cache: caches.get(cell.cache) ?? true }),
      plugins: [
        ...((cell.before ?? []) as []),
        kms(cell.options),
        transpile({ target: 'es2022', minify: cell.minify, tsconfig: false }),
        ...((cell.after ?? []) as []),
      ],
    })
    if (cell.cache) caches.set(cell.cache, bundle.cache!)
    try {
      await bundle.write({
        dir: cell.outdir,
        format: cell.format === 'cjs' ? 'cjs' : 'es',
        entryFileNames: `[name]${extension(cell)}`,
        chunkFileNames: `[name]-[hash]${extension(cell)}`,
        sourcemap: rollupMaps(cell.maps),
        sourcemapExcludeSources: cell.maps === 'nosources',
        ...cell.more,
      })
    } finally {
      await bundle.close()
    }
  })
}

async function runRolldown(cell: Cell): Promise<Outcome> {
  const { rolldown } = await import('rolldown')
  const { default: kms } = await import('../../src/bundlers/rolldown.js')
  return settle(async (log) => {
    const bundle = await rolldown({
      input: paths(cell),
      cwd: cell.root,
      platform: cell.browser ? 'browser' : 'node',
      onLog: (_, entry) => log(said(entry)),
      external: [/^node:/, ...(cell.external ?? [])],
      plugins: [...((cell.before ?? []) as []), kms(cell.options), ...((cell.after ?? []) as [])],
    })
    try {
      await bundle.write({
        dir: cell.outdir,
        format: cell.format,
        minify: cell.minify,
        entryFileNames: `[name]${extension(cell)}`,
        chunkFileNames: `[name]-[hash]${extension(cell)}`,
        sourcemap: rollupMaps(cell.maps),
        ...cell.more,
      })
    } finally {
      await bundle.close()
    }
  })
}

async function runVite(cell: Cell): Promise<Outcome> {
  const { build, createLogger, mergeConfig } = await import('vite')
  const { default: kms } = await import('../../src/bundlers/vite.js')
  return settle(async (log) => {
    const logger = createLogger('info', { allowClearScreen: false })
    for (const level of ['info', 'warn', 'warnOnce', 'error'] as const)
      logger[level] = (text: string) => log(text)
    const config: InlineConfig = {
      root: cell.root,
      configFile: false,
      customLogger: logger,
      logLevel: 'silent', // Rolldown prints its progress past any logger
      plugins: [
        ...((cell.before ?? []) as PluginOption[]),
        kms(cell.options),
        ...((cell.after ?? []) as PluginOption[]),
      ],
      build: {
        ssr: !cell.browser,
        outDir: cell.outdir,
        emptyOutDir: false,
        minify: cell.minify,
        sourcemap: (
          {
            none: false,
            file: true,
            inline: 'inline',
            hidden: 'hidden',
            nosources: true,
            eval: true,
            cheap: true,
          } as const
        )[cell.maps],
        reportCompressedSize: false,
        rolldownOptions: {
          input: paths(cell),
          ...(cell.external && { external: cell.external }),
          output: {
            format: cell.format,
            entryFileNames: `[name]${extension(cell)}`,
            chunkFileNames: `[name]-[hash]${extension(cell)}`,
          },
        },
      },
    }
    await build(mergeConfig(config, cell.more ?? {}))
  })
}

const devtool = (maps: Maps) =>
  (
    {
      none: false,
      file: 'source-map',
      inline: 'inline-source-map',
      hidden: 'hidden-source-map',
      nosources: 'nosources-source-map',
      eval: 'eval-source-map',
      cheap: 'cheap-module-source-map',
    } as const
  )[maps]

function webpackLike(cell: Cell): webpack.Configuration & RspackConfiguration {
  const config = {
    context: cell.root,
    entry: paths(cell),
    mode: cell.minify ? 'production' : 'development',
    devtool: devtool(cell.maps),
    target: cell.browser ? 'web' : 'node',
    output: {
      path: cell.outdir,
      filename: `[name]${extension(cell)}`,
      chunkFilename: `[id]-[contenthash]${extension(cell)}`,
      ...(cell.format === 'esm'
        ? { module: true, library: { type: 'module' } }
        : { library: { type: 'commonjs2' } }),
    },
    ...(cell.format === 'esm' && { experiments: { outputModule: true } }),
    resolve: { extensionAlias: { '.js': ['.ts', '.js'] }, extensions: ['.ts', '.js'] },
    ...(cell.external && { externals: cell.external }),
    optimization: { minimize: cell.minify },
  }
  return config as webpack.Configuration & RspackConfiguration
}

interface Stats {
  hasErrors(): boolean
  toString(options: object): string
  toJson(options: object): object
}

/** Runs webpack or Rspack, and writes its stats, with sources, next to the output. */
async function compile(
  compiler: {
    run(done: (error: Error | null, stats?: Stats) => void): void
    close(done: (error?: Error | null) => void): void
  },
  { outdir }: Cell,
  log: (text: string) => void,
) {
  const { error, stats } = await new Promise<{ error: Error | null; stats: Stats | undefined }>(
    (done) => compiler.run((error, stats) => done({ error, stats })),
  )
  if (stats) log(stats.toString({ errorDetails: true, errorStack: true }))
  const json = stats && JSON.stringify(stats.toJson({ all: true, source: true }))
  await new Promise<void>((done) => compiler.close(() => done()))
  if (error) throw error
  if (stats!.hasErrors()) throw new Error('the stats have errors')
  await writeFile(join(outdir, 'stats.json'), json!)
}

const loader = createRequire(import.meta.url).resolve('./strip-types.cjs')

async function runWebpack(cell: Cell): Promise<Outcome> {
  const { default: webpack } = await import('webpack')
  const { default: kms } = await import('../../src/bundlers/webpack.js')
  return settle(async (log) => {
    const config: webpack.Configuration = {
      ...webpackLike(cell),
      module: { rules: [{ test: /\.tsx?$/, use: [loader] }] },
      ...(cell.cache
        ? { cache: { type: 'filesystem', cacheDirectory: cell.cache } }
        : { cache: false }),
      plugins: [...((cell.before ?? []) as []), kms(cell.options), ...((cell.after ?? []) as [])],
      ...cell.more,
    }
    await compile(webpack(config), cell, log)
  })
}

async function runRspack(cell: Cell): Promise<Outcome> {
  const { rspack } = await import('@rspack/core')
  const { default: kms } = await import('../../src/bundlers/rspack.js')
  return settle(async (log) => {
    const config = {
      ...webpackLike(cell),
      module: {
        rules: [
          {
            test: /\.tsx?$/,
            loader: 'builtin:swc-loader',
            options: { jsc: { parser: { syntax: 'typescript', tsx: true }, target: 'es2022' } },
          },
        ],
      },
      ...(cell.cache
        ? { cache: { type: 'persistent', storage: { type: 'filesystem', directory: cell.cache } } }
        : { cache: false }),
      plugins: [...((cell.before ?? []) as []), kms(cell.options), ...((cell.after ?? []) as [])],
      ...cell.more,
    }
    await compile(rspack(config as unknown as RspackConfiguration), cell, log)
  })
}

/** Runs a script that prints what happened, in a process of its own. */
export function run(
  command: string,
  args: string[],
  env: Record<string, string | undefined> = {},
  cwd?: string,
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  return new Promise((done, fail) => {
    const child = spawn(command, args, {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(cwd && { cwd }),
    })
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', (data: Buffer) => (stdout += data.toString()))
    child.stderr.on('data', (data: Buffer) => (stderr += data.toString()))
    child.on('error', fail)
    child.on('close', (code) => done({ code, stdout, stderr }))
  })
}

const here = import.meta.dirname
const modules = join(here, '../../node_modules')
export const BUN = join(modules, '@oven/bun-linux-x64/bin/bun')

async function runBun(cell: Cell): Promise<Outcome> {
  const { code, stdout, stderr } = await run(
    BUN,
    [join(here, 'run-bun.ts'), JSON.stringify(plain(cell))],
    environment(cell),
    cell.root,
  )
  return { failed: code !== 0, terminal: stdout + stderr }
}

let farmScript: Promise<string> | undefined

/** Node 20 does not run TypeScript: the script is bundled once, next to the packages that it imports. */
async function bundleFarmScript(): Promise<string> {
  const folder = join(modules, '.cache', 'unplugin-kms-test')
  await mkdir(folder, { recursive: true })
  const { build } = await import('esbuild')
  const outfile = join(folder, `run-farm.${process.pid}.mjs`)
  await build({
    // The working directory may be that of a test.
    absWorkingDir: here,
    entryPoints: [join(here, 'run-farm.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
  })
  return outfile
}

/** What one line asks of Farm's process. */
export interface FarmJob {
  cell: Cell
  patterns: [name: string, source: string, flags: string][]
  environment: Record<string, string | undefined>
}

let farm: ChildProcessWithoutNullStreams | undefined
let farmIsFree: Promise<unknown> = Promise.resolve()

/** One process builds cell after cell, until it is brought down or no one asks any more. */
async function farmProcess() {
  if (farm?.exitCode === null && farm.signalCode === null) return farm
  farm = spawn(process.execPath, [await (farmScript ??= bundleFarmScript())])
  farm.unref()
  for (const stream of [farm.stdin, farm.stdout, farm.stderr]) (stream as Socket).unref()
  return farm
}

/** Ends Farm's process after the tests of a file. Others start their own, also where they share modules. */
export function endFarm(): void {
  farm?.kill()
  farm = undefined
}

function runFarm(cell: Cell): Promise<Outcome> {
  const outcome = farmIsFree.then(() => buildInFarm(cell))
  farmIsFree = outcome.catch(() => {})
  return outcome
}

async function buildInFarm(cell: Cell): Promise<Outcome> {
  const child = await farmProcess()
  const { patterns, ...rest } = plain(cell)
  const printed = { stdout: '', stderr: '' }
  return new Promise((done) => {
    const end = (code?: number | null, signal?: string | null) => {
      if (code !== undefined) printed.stderr += `\nFarm's process ended with ${signal ?? code}`
      for (const name of ['stdout', 'stderr'] as const) child[name].removeAllListeners('data')
      child.removeListener('close', end)
      const terminal = printed.stdout + printed.stderr
      done({ failed: !terminal.endsWith('\0built\n'), terminal: terminal.replace(/\0\w+\n/g, '') })
    }
    child.once('close', end)
    for (const name of ['stdout', 'stderr'] as const)
      child[name].on('data', (data: Buffer) => {
        printed[name] += data.toString()
        if (/\0\w+\n$/.test(printed.stdout) && /\0\w+\n$/.test(printed.stderr)) end()
      })
    child.stdin.write(
      `${JSON.stringify({ cell: rest, patterns, environment: environment(cell) })}\n`,
    )
  })
}

/** For a process of its own: patterns in parts, and no values, which travel in its environment. */
const plain = ({
  before: _before,
  after: _after,
  options: { env: _env, include, exclude, ...options },
  ...cell
}: Cell) => ({
  ...cell,
  options,
  patterns: Object.entries({ include, exclude }).flatMap(([name, pattern]) =>
    pattern instanceof RegExp ? [[name, pattern.source, pattern.flags]] : [],
  ),
})
const environment = ({ options }: Cell) => ({ ...options.env })

export const HOSTS = {
  esbuild: runEsbuild,
  rollup: runRollup,
  rolldown: runRolldown,
  vite: runVite,
  webpack: runWebpack,
  rspack: runRspack,
  farm: runFarm,
  bun: runBun,
}

/** Why a host cannot run on this machine, if it cannot. */
export const ABSENT: Partial<Record<HostName, string>> = {
  ...(!existsSync(BUN) && { bun: 'no bun binary for this platform is installed' }),
}
