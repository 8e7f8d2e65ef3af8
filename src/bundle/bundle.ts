import { relative, resolve } from 'node:path'
import type { BuildFailure, BuildOptions, BuildResult, Message } from 'esbuild'
import kms from '../bundlers/esbuild.js'
import { NAME } from '../bundlers/transform.js'
import { KmsBuildError, type BuildErrorCode } from '../errors.js'
import type { Options } from '../options/types.js'
import { filesBelow } from '../util/walk.js'
import { installCommand } from '../util/install-command.js'

/** Lambda's managed Node runtimes that functions can be created with. */
export const RUNTIMES = { 'nodejs22.x': 'node22', 'nodejs24.x': 'node24' } as const
export type LambdaRuntime = keyof typeof RUNTIMES

export interface BundleOptions {
  entries: string[]
  /** Relative to the working directory. */
  outdir: string
  /** Default: `nodejs22.x`. Its bundles also run on nodejs24.x. */
  runtime?: LambdaRuntime
  /** Options of the plugin. */
  kms?: Options
  /** Options of esbuild, which override the defaults for Lambda. */
  esbuild?: Omit<BuildOptions, 'bundle' | 'entryPoints' | 'outdir' | 'outfile' | 'write'>
}

export interface BundleResult {
  /** Files that were written: paths relative to the working directory, and sizes in bytes. */
  files: { path: string; bytes: number }[]
  /** Other files in `outdir`, which were not searched for plaintexts. */
  others: string[]
  warnings: string[]
  runtime: LambdaRuntime
}

/**
 * Bundles Lambda functions with sealed secrets, for tools without plugins: one ES module per entry, for
 * Node, with every package in it and a redacted source map next to it. Writes nothing if it fails.
 *
 * @throws KmsBuildError ESBUILD_MISSING, BUNDLE_FAILED, and the errors of the plugin.
 */
export async function bundleFunctions(options: BundleOptions): Promise<BundleResult> {
  const { runtime = 'nodejs22.x', esbuild: own = {} } = options
  const esbuild = await loadEsbuild()
  const root = own.absWorkingDir ?? process.cwd()
  const outdir = resolve(root, options.outdir)
  const format = own.format ?? 'esm'
  let result: BuildResult<{ metafile: true }>
  try {
    result = await esbuild.build({
      platform: 'node',
      target: RUNTIMES[runtime],
      format,
      sourcemap: true,
      outExtension: { '.js': format === 'esm' ? '.mjs' : '.cjs' },
      ...own,
      ...(format === 'esm' && { banner: { ...own.banner, js: REQUIRE + (own.banner?.js ?? '') } }),
      logLevel: 'silent',
      entryPoints: options.entries,
      outdir,
      bundle: true,
      metafile: true,
      plugins: [kms(options.kms), ...(own.plugins ?? [])],
    })
  } catch (error) {
    throw await ownError(error, esbuild.formatMessages)
  }
  const files = Object.entries(result.metafile.outputs).map(([path, { bytes }]) => ({
    path: relative(root, resolve(root, path)),
    bytes,
  }))
  const written = new Set(files.map(({ path }) => resolve(root, path)))
  const present = await filesBelow(outdir, { onLink: () => {} })
  return {
    files: files.toSorted((one, other) => one.path.localeCompare(other.path)),
    others: present
      .filter((path) => !written.has(path))
      .map((path) => relative(root, path))
      .toSorted(),
    warnings: result.warnings.map(({ text, location }) =>
      location ? `${location.file}:${location.line}:${location.column + 1}: ${text}` : text,
    ),
    runtime,
  }
}

// CommonJS packages in an ES module call `require` for Node's modules. esbuild renames variables called
// `require` in sources, but not in a banner.
const REQUIRE =
  "import { createRequire as __kmsCreateRequire } from 'node:module'; const require = __kmsCreateRequire(import.meta.url);"

type Esbuild = typeof import('esbuild')

async function loadEsbuild(): Promise<Esbuild> {
  try {
    return await import('esbuild')
  } catch (error) {
    throw new KmsBuildError(
      'ESBUILD_MISSING',
      `this command bundles with esbuild, which is not installed next to unplugin-kms. Install it: ${installCommand('esbuild')}`,
      undefined,
      { cause: error },
    )
  }
}

/** Returns the error of the plugin as it was thrown, or esbuild's error as its command prints it. */
async function ownError(error: unknown, format: Esbuild['formatMessages']): Promise<unknown> {
  const messages: Message[] = (error as Partial<BuildFailure>).errors ?? []
  for (const { detail, pluginName, text } of messages) {
    if (detail instanceof KmsBuildError) return detail
    // Of an error in `onEnd`, esbuild keeps only the message.
    const [, message, code] = /^([^]*) \[([A-Z_]+)\]$/.exec(text) ?? []
    if (pluginName === NAME && message) return new KmsBuildError(code as BuildErrorCode, message)
  }
  // esbuild throws a plain error for an unknown option.
  const lines = messages.length
    ? await format(messages, { kind: 'error' })
    : [(error as Error).message]
  return new KmsBuildError(
    'BUNDLE_FAILED',
    `esbuild cannot bundle this, and nothing was written.\n${lines.join('').trimEnd()}\n`,
    undefined,
    { cause: error },
  )
}
