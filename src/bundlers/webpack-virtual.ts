import { fileURLToPath } from 'node:url'
import type { Compilation, Compiler, LoaderContext } from 'webpack'
import { MARKERS } from '../pipeline/collect/mark.js'
import { CLIENT, ML_KEM, ML_KEM_SYNC, OPEN_TOKEN, SHIM, SYNC_SHIM } from '../pipeline/emit/shim.js'
import { TABLE } from '../pipeline/emit/table.js'
import type { BuildSession } from '../pipeline/session.js'
import { NAME } from './transform.js'
import { graphOf } from './webpack-graph.js'

const LOADER = fileURLToPath(new URL('../bundlers/webpack-virtual-loader.cjs', import.meta.url))

/** By their queries the modules are told apart that all have one file on the disk, the loader's own. */
const queryOf = (name: string) => name.replace('./', '?')
const OURS = /^\?unplugin-kms\./
const MARKER_QUERY = '?unplugin-kms.marker'
/** Of each request that resolves to one of them, without those whose own query says which. */
const QUERIES = new Map([
  [SHIM, queryOf(SHIM)],
  [OPEN_TOKEN, queryOf(OPEN_TOKEN)],
  [ML_KEM, queryOf(ML_KEM)],
  [ML_KEM_SYNC, queryOf(ML_KEM_SYNC)],
  [SYNC_SHIM, queryOf(SYNC_SHIM)],
  [CLIENT, queryOf(CLIENT)],
  [TABLE, queryOf(TABLE)],
  ...[...MARKERS.keys()].map((marker) => [marker, MARKER_QUERY] as const),
])
const NAMED_REQUESTS = ['./unplugin-kms.pair', './unplugin-kms.blocking', './unplugin-kms.marks']
const NAMED = /^(\.\/unplugin-kms\.(?:pair|blocking|marks))\..*/

/** No alias can know which pairs and which modules with marks there will be. */
export const requestOf = (name: string) =>
  name.replace(NAMED, (_, request: string) => request + queryOf(name))

/**
 * Resolves and loads the modules that exist only in the build, and the marker, which no transformed
 * module imports any more and which fails the build.
 */
export function addVirtualModules(build: BuildSession, compiler: Compiler) {
  if ('rspack' in compiler.webpack) addAliases(compiler)
  else addResolver(compiler)
  let isPoisoned = false
  const load = async (context: LoaderContext<unknown>) => {
    const { resourceQuery } = context
    if (resourceQuery !== MARKER_QUERY)
      return build.virtual(resourceQuery.replace('?', './'), (file) => context.addDependency(file))
    isPoisoned = true
    // Whatever is imported from it is there, so that nothing is told of but the poison.
    return 'module.exports = globalThis'
  }
  const { rules } = compiler.options.module
  rules.unshift({
    resourceQuery: OURS,
    enforce: 'pre',
    use: [{ loader: LOADER, options: { load } }],
  })
  // After the user's: of all that fit, the last says what a module is.
  rules.push(
    { resourceQuery: OURS, type: 'javascript/auto', sideEffects: false },
    // Else Rspack would not load one that only an `eval` reads.
    { resourceQuery: MARKER_QUERY, sideEffects: true },
  )
  compiler.hooks.thisCompilation.tap(NAME, (compilation) => {
    isPoisoned = false
    // The first hook that can know who imported it.
    compilation.hooks.seal.tap(NAME, () => {
      if (!isPoisoned) return
      const { message } = build.untransformedImport(markerImporter(compilation))
      compilation.errors.push(new compiler.webpack.WebpackError(message))
    })
  })
  // A child compiler may load it later.
  compiler.hooks.emit.tap(NAME, () => void (isPoisoned && build.untransformedImport()))
}

/** Asked before all aliases, also those of a rule or of a kind of import, and bound by no restrictions. */
function addResolver({ options: { resolve } }: Compiler) {
  resolve.plugins = [
    (resolver) =>
      resolver
        .ensureHook('describedResolve')
        .tapAsync({ name: NAME, stage: -1 }, (asked, { fileDependencies }, done) => {
          const query = NAMED_REQUESTS.includes(asked.request!)
            ? asked.query
            : QUERIES.get(asked.request!)
          if (!query) return done()
          // What a cache holds of it holds while the file is there.
          fileDependencies?.add(LOADER)
          done(null, { ...asked, path: LOADER, query })
        }),
    ...(resolve.plugins ?? []),
  ]
}

/** A hook would be asked about each import, which costs Rspack more than all else of ours. */
function addAliases({ options: { resolve } }: Compiler) {
  // A `#` would begin a fragment.
  const file = LOADER.replaceAll('#', '\0#')
  const exact = Object.fromEntries(
    [...QUERIES, ...NAMED_REQUESTS.map((name) => [name, ''] as const)].map(([name, query]) => [
      `${name}$`,
      file + query,
    ]),
  )
  // The first that fits counts, and of equal ones the last.
  resolve.alias = { ...exact, ...(resolve.alias as Record<string, string>), ...exact }
}

/** Whose import of the marker was never transformed, where it is a module of this compilation and no child's. */
function markerImporter(compilation: Compilation): string | undefined {
  const { inputs, importersOf } = graphOf(compilation)
  const marker = [...inputs].find((id) => id.endsWith(MARKER_QUERY))
  return marker && importersOf!(marker).find((id) => id !== marker)
}
