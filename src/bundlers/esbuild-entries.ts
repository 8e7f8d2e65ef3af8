import { createHash } from 'node:crypto'
import { join, relative, resolve, sep } from 'node:path'
import type { BuildOptions, BuildResult, Metafile, OutputFile, PluginBuild } from 'esbuild'
import { KmsBuildError } from '../errors.js'
import type { BuildSession } from '../pipeline/session.js'
import type { OutputTarget } from '../pipeline/target.js'

/** The name of an empty module. esbuild watches only files that a module depends on. */
const WATCHED = './unplugin-kms.process-env'

/**
 * Makes esbuild build again after a change of a file that variables come from.
 *
 * @param sessions all sessions of the build, which share the module.
 */
export function watchEnvironment(
  { initialOptions, onResolve, onLoad }: PluginBuild,
  { environment }: BuildSession,
  sessions: BuildSession[],
): void {
  if (!environment.isUsed) return
  const { inject = [] } = initialOptions
  if (!inject.includes(WATCHED)) initialOptions.inject = [...inject, WATCHED]
  const filter = /^\.\/unplugin-kms\.process-env$/
  const namespace = 'unplugin-kms-watch'
  onResolve({ filter }, ({ path }) => ({ path, namespace }))
  onLoad({ filter, namespace }, () => ({
    contents: '',
    watchFiles: sessions.flatMap((session) => session.environment.files),
  }))
}

/** The name of an output of esbuild without a file. */
const STDOUT = '<stdout>'

/**
 * Makes the entries among the outputs set the variables of the option `processEnv`.
 *
 * @param folder the folder of the outputs.
 * @throws KmsBuildError the errors of `EntryEnvironment.addTo`.
 */
export async function addEnvironment(
  result: BuildResult,
  options: BuildOptions,
  sessions: BuildSession[],
  target: OutputTarget,
  folder: string,
): Promise<void> {
  const root = options.absWorkingDir ?? process.cwd()
  for (const { environment } of sessions) {
    if (!environment.isUsed) continue
    const files = result.outputFiles!
    const nameOf = (path: string) =>
      path === STDOUT ? STDOUT : relative(folder, path).split(sep).join('/')
    const byName = new Map(files.map((file) => [nameOf(file.path), file]))
    const entries = entriesIn(result.metafile!, options, root).map((path) =>
      nameOf(path === STDOUT ? path : resolve(root, path)),
    )
    const changed = await environment.addTo({
      outputs: new Map([...byName].map(([name, file]) => [name, () => file.text])),
      entries: entries.filter((name) => byName.has(name)),
      target,
    })
    for (const [name, text] of changed) {
      const file = byName.get(name)
      if (!file && byName.has(STDOUT)) throw needsFile()
      const output = outputFile(file?.path ?? join(folder, name), text)
      if (file) files[files.indexOf(file)] = output
      else files.push(output)
      listIn(result.metafile!, relative(root, output.path).split(sep).join('/'), output)
    }
  }
}

const needsFile = () =>
  new KmsBuildError(
    'ENTRY_UNSUITABLE',
    'the bundle imports packages that are not in it, and option processEnv needs a second file for it. Set outfile or outdir.',
  )

/** Returns the outputs of the user's entry points, without those of dynamic imports. */
function entriesIn({ outputs }: Metafile, options: BuildOptions, root: string): string[] {
  const dynamic = new Set(
    Object.values(outputs).flatMap(({ imports }) =>
      imports.flatMap(({ kind, path }) => (kind === 'dynamic-import' ? [path] : [])),
    ),
  )
  const given = entryPaths(options).map((path) => resolve(root, path))
  const isGiven = (entryPoint: string) => {
    const path = resolve(root, entryPoint)
    return given.some((one) => path === one || path.startsWith(`${one}.`))
  }
  const { '.js': extension = '.js' } = options.outExtension ?? {}
  return Object.entries(outputs).flatMap(([path, { entryPoint }]) =>
    entryPoint !== undefined &&
    (path === STDOUT || /\.[cm]?js$/.test(path) || path.endsWith(extension)) &&
    (!dynamic.has(path) || isGiven(entryPoint))
      ? [path]
      : [],
  )
}

const entryPaths = ({ entryPoints = [] }: BuildOptions): string[] =>
  Array.isArray(entryPoints)
    ? entryPoints.map((entry) => (typeof entry === 'string' ? entry : entry.in))
    : Object.values(entryPoints)

/** Adds a new output to the metafile, or updates the size of a changed one. */
function listIn({ outputs }: Metafile, path: string, { contents }: OutputFile): void {
  const known = outputs[path] ?? { imports: [], exports: [], inputs: {} }
  outputs[path] = { ...known, bytes: contents.length }
}

/** Returns an output as esbuild's API represents it. */
function outputFile(path: string, text: string): OutputFile {
  const contents = Buffer.from(text)
  return { path, contents, hash: createHash('sha256').update(contents).digest('base64url'), text }
}
