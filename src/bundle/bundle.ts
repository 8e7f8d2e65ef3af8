import { relative, resolve } from 'node:path'
import type { BuildFailure, BuildOptions, BuildResult, Message } from 'esbuild'
import kms from '../bundlers/esbuild.js'
import { NAME } from '../bundlers/transform.js'
import { KmsBuildError, type BuildErrorCode } from '../errors.js'
import type { Options } from '../options/types.js'
import { filesBelow } from '../util/walk.js'
import { installCommand } from '../util/install-command.js'

/** Lambda's managed Node runtimes that a function can still be made with. */
export const RUNTIMES = { 'nodejs22.x': 'node22', 'nodejs24.x': 'node24' } as const
export type LambdaRuntime = keyof typeof RUNTIMES

export interface BundleOptions {
  entries: string[]
  /** Relative to the working directory. */
  outdir: string
  /** Default: `nodejs22.x`, whose bundles nodejs24.x runs too. */
  runtime?: LambdaRuntime
  /** The plugin's. */
  kms?: Options
  /** esbuild's own, which win over Lambda's defaults. */
  esbuild?: Omit<BuildOptions, 'bundle' | 'entryPoints' | 'outdir' | 'outfile' | 'write'>
}

export interface BundleResult {
  /** What was written: paths relative to the working directory, bytes. */
  files: { path: string; bytes: number }[]
  /** What else stands in `outdir`, from earlier or from others, and was not searched for plaintexts. */
  others: string[]
  warnings: string[]
  runtime: LambdaRuntime
}

/**
 * Bundles Lambda functions, each with its secrets sealed, for tools that take no plugins: one ES
 * module an entry, for Node, with every package in it and a redacted source map beside it.
 *
 * @throws KmsBuildError ESBUILD_MISSING, BUNDLE_FAILED, and whatever the plugin throws; then nothing
 *   was written.
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

// CommonJS packages in an ES module call `require` for Node's own modules. esbuild renames whatever
// a source calls `require`, but knows nothing of the names in a banner.
const REQUIRE =
  "import { createRequire as __kmsCreateRequire } from 'node:module'; const require = __kmsCreateRequire(import.meta.url);"

type Esbuild = typeof import('esbuild')

async function loadEsbuild(): Promise<Esbuild> {
  try {
    return await import('esbuild')
  } catch (error) {
    throw new KmsBuildError(
      'ESBUILD_MISSING',
      `this bundles with esbuild, which is not installed next to unplugin-kms. Install it: ${installCommand('esbuild')}`,
      undefined,
      { cause: error },
    )
  }
}

/** The plugin's errors as they were thrown, and esbuild's as its command prints them. */
async function ownError(error: unknown, format: Esbuild['formatMessages']): Promise<unknown> {
  const messages: Message[] = (error as Partial<BuildFailure>).errors ?? []
  for (const { detail, pluginName, text } of messages) {
    if (detail instanceof KmsBuildError) return detail
    // esbuild keeps only the text of what a plugin says at the end of a build.
    const [, message, code] = /^([^]*) \[([A-Z_]+)\]$/.exec(text) ?? []
    if (pluginName === NAME && message) return new KmsBuildError(code as BuildErrorCode, message)
  }
  // An option that esbuild does not know is a plain error.
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
