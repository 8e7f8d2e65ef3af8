import { fileURLToPath } from 'node:url'
import { MARKER } from '../pipeline/collect/mark.js'
import type { Options } from '../options/types.js'
import { checkFinishedOutput } from './finished-output.js'
import type { NextTarget } from './next-modules.js'
import { startSession, type Address, type NextSession } from './next-session.js'

const LOADER = fileURLToPath(new URL('../frameworks/next-loader.cjs', import.meta.url))
const NODE_MODULES = /[\\/]node_modules[\\/]/

/** The parts of Next.js's configuration that `withKms` reads or sets. */
interface NextConfig {
  transpilePackages?: string[]
  turbopack?: { rules?: Record<string, unknown> }
  experimental?: Record<string, unknown>
  compiler?: { runAfterProductionCompile?: (output: ProductionOutput) => Promise<void> }
  webpack?: ((config: any, context: any) => any) | null | undefined
}

interface ProductionOutput {
  projectDir: string
  distDir: string
}

type ConfigFunction<C> = (phase: string, context: any) => C | Promise<C>

const SESSION = Symbol.for('unplugin-kms.next')
const state = globalThis as { [SESSION]?: NextSession }
const ADDRESS = 'UNPLUGIN_KMS_NEXT'

/**
 * Adds unplugin-kms to a Next.js configuration, for Turbopack and webpack. It is the outermost of
 * such functions.
 *
 * @example
 * ```js
 * // next.config.mjs
 * import { withKms } from 'unplugin-kms/next'
 *
 * export default withKms({ reactStrictMode: true }, { keyId: 'alias/app' })
 * ```
 */
export function withKms<C extends object>(
  nextConfig: C | ConfigFunction<C>,
  options: Options = {},
): ConfigFunction<C> {
  return async (phase, context) => {
    const config = typeof nextConfig === 'function' ? await nextConfig(phase, context) : nextConfig
    const isDev = phase === 'phase-development-server'
    if (!isDev && phase !== 'phase-production-build') return config
    return configured(config, addressOf(options, isDev)) as C
  }
}

/** Next.js reads its configuration in several processes: the first one has the session. */
function addressOf(options: Options, isDev: boolean): Address {
  const root = process.cwd()
  const known = process.env[ADDRESS]
  if (known) {
    const { root: of, ...address } = JSON.parse(known) as Address & { root: string }
    if (of === root) return address
  }
  const session = (state[SESSION] ??= startSession(options, root, isDev))
  process.env[ADDRESS] = JSON.stringify({ root, ...session.address })
  return session.address
}

function configured(config: NextConfig, address: Address): NextConfig {
  const loader = (target: NextTarget) => ({
    loader: LOADER,
    options: { ...address, target, marker: MARKER },
  })
  return {
    ...config,
    experimental: {
      // Turbopack's cache contains the sources and the environment variables of the build.
      turbopackFileSystemCacheForBuild: false,
      turbopackFileSystemCacheForDev: false,
      ...config.experimental,
    },
    // The pages directory leaves packages outside of the bundle, unless they are named here.
    transpilePackages: [
      ...(config.transpilePackages ?? []),
      'unplugin-kms',
      '@unplugin-kms/runtime',
    ],
    turbopack: {
      ...config.turbopack,
      rules: withRules(config.turbopack?.rules ?? {}, loader),
    },
    compiler: {
      ...config.compiler,
      async runAfterProductionCompile(output) {
        await config.compiler?.runAfterProductionCompile?.(output)
        await checkBuild(output.distDir)
      },
    },
    webpack(webpackConfig, context) {
      const target = context.isServer
        ? context.nextRuntime === 'edge'
          ? 'edge'
          : 'server'
        : 'browser'
      webpackConfig.module.rules.push({
        test: /\.[cm]?[jt]sx?$/,
        exclude: NODE_MODULES,
        enforce: 'pre',
        use: [loader(target)],
      })
      return config.webpack ? config.webpack(webpackConfig, context) : webpackConfig
    },
  }
}

async function checkBuild(distDir: string): Promise<void> {
  const session = state[SESSION]
  if (!session) throw new Error('next.config was read in another process than the build ran in')
  const { build } = session
  // A dev server may be running, with files of its own.
  await build.outputs.record(distDir, await checkFinishedOutput(build, distDir, ['cache', 'dev']))
  await build.outputs.writeManifest()
  for (const { message } of build.warnings()) console.warn(`unplugin-kms: ${message}`)
}

type Loader = (target: NextTarget) => { loader: string; options: object }

const FILES = '*.{js,jsx,ts,tsx,mjs,mts,cjs,cts}'

function withRules(rules: Record<string, unknown>, loader: Loader) {
  const rule = (target: NextTarget, condition: unknown) => ({
    condition: { all: [{ not: 'foreign' }, { content: /unplugin-kms\/secret/ }, condition] },
    loaders: [loader(target)],
  })
  return {
    ...rules,
    [FILES]: [
      ...[rules[FILES] ?? []].flat(),
      rule('browser', 'browser'),
      rule('edge', 'edge-light'),
      rule('server', { not: { any: ['browser', 'edge-light'] } }),
    ],
  }
}
