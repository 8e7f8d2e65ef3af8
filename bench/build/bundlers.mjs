import { join } from 'node:path'
import { PARTS } from './parts.mjs'
import { secretName, secretValue } from './secrets.mjs'

/** The strings for a replace plugin: as many as there are marks. */
const replacements = (marks) =>
  Object.fromEntries(
    Array.from({ length: marks }, (_, index) => [
      `process.env.${secretName(index)}`,
      JSON.stringify(secretValue(index)),
    ]),
  )

const ours = async (bundler, options) =>
  (await import(`../../dist/bundlers/${bundler}.js`)).default(options)

/** Returns our plugin, or one that does a part of its work. */
async function pluginsOf(bundler, { plugin, options }) {
  if (plugin === 'ours') return [await ours(bundler, options)]
  const part = PARTS[bundler]?.[plugin]
  return [await part?.()].filter(Boolean)
}

async function rollupPlugins(bundler, job) {
  const { plugin, marks } = job
  if (plugin !== 'replace') return pluginsOf(bundler, job)
  const { default: replace } = await import('@rollup/plugin-replace')
  return [replace({ preventAssignment: true, values: replacements(marks) })]
}

/** Calls back at the beginning and end of each build of a watcher of Rollup's kind. */
function observe(watcher, { begun, done }) {
  watcher.on('event', (event) => {
    if (event.code === 'START') begun()
    if (event.code === 'BUNDLE_END') event.result.close()
    if (event.code === 'END') done()
    if (event.code === 'ERROR') done(event.error)
  })
  return () => watcher.close()
}

async function rollupConfig(job) {
  const { default: transpile } = await import('rollup-plugin-esbuild')
  return {
    input: job.entry,
    onLog() {},
    plugins: [
      ...(await rollupPlugins('rollup', job)),
      // Resolves the imports without an ending, too.
      transpile({ target: 'es2022', tsconfig: false }),
    ],
    output: { dir: job.outdir, format: 'es', sourcemap: true },
  }
}

async function rolldownConfig(job) {
  return {
    input: job.entry,
    cwd: job.root,
    platform: 'node',
    onLog() {},
    plugins: await rollupPlugins('rolldown', job),
    output: { dir: job.outdir, format: 'esm', sourcemap: true, minify: job.minify ?? false },
  }
}

async function viteConfig(job, watch) {
  return {
    root: job.root,
    configFile: false,
    logLevel: 'silent',
    plugins: await rollupPlugins('vite', job),
    build: {
      ssr: job.entry,
      outDir: job.outdir,
      emptyOutDir: false,
      sourcemap: true,
      ...(watch && { watch: {} }),
    },
  }
}

async function esbuildOptions(job) {
  return {
    entryPoints: [job.entry],
    absWorkingDir: job.root,
    outdir: job.outdir,
    bundle: true,
    platform: 'node',
    format: 'esm',
    sourcemap: true,
    minify: job.minify ?? false,
    logLevel: 'silent',
    plugins: await pluginsOf('esbuild', job),
    define: job.plugin === 'replace' ? replacements(job.marks) : {},
  }
}

async function webpackConfig(bundler, { DefinePlugin }, job) {
  const plugins =
    job.plugin === 'replace'
      ? [new DefinePlugin(replacements(job.marks))]
      : await pluginsOf(bundler, job)
  return {
    mode: 'production',
    context: job.root,
    entry: job.entry,
    target: 'node20',
    devtool: 'source-map',
    output: { path: job.outdir, module: true, filename: 'main.mjs' },
    experiments: { outputModule: true },
    resolve: { extensions: ['.ts', '.js'] },
    optimization: { minimize: job.minify ?? false },
    module: {
      rules: [
        bundler === 'webpack'
          ? {
              test: /\.ts$/,
              loader: new URL('../../test/bundlers/strip-types.cjs', import.meta.url).pathname,
            }
          : { test: /\.ts$/, loader: 'builtin:swc-loader', type: 'javascript/auto' },
      ],
    },
    plugins,
  }
}

const statsError = (stats) => stats?.compilation.errors[0]

const webpackLike = (bundler, load) => ({
  async build(job) {
    const host = await load()
    const compiler = host(await webpackConfig(bundler, host, job))
    const stats = await new Promise((resolve, reject) =>
      compiler.run((error, stats) => (error ? reject(error) : resolve(stats))),
    )
    const failed = statsError(stats)
    if (failed) throw failed
    await new Promise((resolve) => compiler.close(resolve))
  },
  async watch(job, { begun, done }) {
    const host = await load()
    const compiler = host(await webpackConfig(bundler, host, job))
    compiler.hooks.watchRun.tap('bench', begun)
    const watching = compiler.watch({ aggregateTimeout: 20 }, (error, stats) =>
      done(error ?? statsError(stats)),
    )
    return () => new Promise((resolve) => watching.close(() => compiler.close(resolve)))
  },
})

/**
 * `build` bundles once. `watch` starts a session, calls back for each of its builds, and returns a
 * function that ends it. With `rebuild` the bench starts each build, without watching the disk.
 */
export const BUNDLERS = {
  esbuild: {
    async build(job) {
      const { build } = await import('esbuild')
      await build(await esbuildOptions(job))
    },
    async watch(job, { begun, done }) {
      const { context } = await import('esbuild')
      const session = await context(await esbuildOptions(job))
      const rebuild = () => {
        begun()
        session.rebuild().then(
          () => queueMicrotask(done),
          (error) => queueMicrotask(() => done(error)),
        )
      }
      rebuild()
      return Object.assign(() => session.dispose(), { rebuild })
    },
  },
  rollup: {
    async build(job) {
      const { rollup } = await import('rollup')
      const { output, ...input } = await rollupConfig(job)
      const bundle = await rollup(input)
      await bundle.write(output)
      await bundle.close()
    },
    async watch(job, events) {
      const { watch } = await import('rollup')
      return observe(watch(await rollupConfig(job)), events)
    },
  },
  rolldown: {
    async build(job) {
      const { rolldown } = await import('rolldown')
      const { output, ...input } = await rolldownConfig(job)
      const bundle = await rolldown(input)
      await bundle.write(output)
      await bundle.close()
    },
    async watch(job, events) {
      const { watch } = await import('rolldown')
      return observe(watch(await rolldownConfig(job)), events)
    },
  },
  vite: {
    async build(job) {
      const { build } = await import('vite')
      await build(await viteConfig(job, false))
    },
    async watch(job, events) {
      const { build } = await import('vite')
      return observe(await build(await viteConfig(job, true)), events)
    },
  },
  webpack: webpackLike('webpack', async () => (await import('webpack')).default),
  rspack: webpackLike('rspack', async () => (await import('@rspack/core')).rspack),
}

/**
 * Returns the options that every bundler gets for a project.
 *
 * @param key options that name a KMS key and how to reach it; the project's secrets file without.
 */
export const jobOf = (root, { plugin, marks, outdir, key, minify }) => ({
  root,
  entry: join(root, 'src/main.ts'),
  outdir,
  plugin,
  marks,
  minify,
  options: {
    ...(key ?? { secretsFile: join(root, 'kms-secrets.json') }),
    env: Object.fromEntries(
      Array.from({ length: marks }, (_, index) => [secretName(index), secretValue(index)]),
    ),
  },
})
