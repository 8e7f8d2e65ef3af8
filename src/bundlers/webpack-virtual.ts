import { fileURLToPath } from 'node:url'
import type { Compilation, Compiler, LoaderContext } from 'webpack'
import { MARKERS } from '../pipeline/collect/mark.js'
import { CLIENT, ML_KEM, ML_KEM_SYNC, OPEN_TOKEN, SHIM, SYNC_SHIM } from '../pipeline/emit/shim.js'
import { TABLE } from '../pipeline/emit/table.js'
import type { BuildSession } from '../pipeline/session.js'
import { NAME } from './transform.js'
import { graphOf } from './webpack-graph.js'

const LOADER = fileURLToPath(new URL('../bundlers/webpack-virtual-loader.cjs', import.meta.url))

/** Returns the query of a virtual module. All virtual modules have the loader as their file, and differ by query. */
const queryOf = (name: string) => name.replace('./', '?')
const OURS = /^\?unplugin-kms\./
const MARKER_QUERY = '?unplugin-kms.marker'
/** The queries of requests that resolve to a virtual module. Requests for pairs and marks have their own query. */
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

/** Returns the request for a virtual module: for pairs and marks with a query, because aliases cannot list them. */
export const requestOf = (name: string) =>
  name.replace(NAMED, (_, request: string) => request + queryOf(name))

/**
 * Resolves and loads the modules that exist only in the build. Also resolves the marker, which transformed
 * modules no longer import: a build that loads it fails.
 */
export function addVirtualModules(build: BuildSession, compiler: Compiler) {
  if ('rspack' in compiler.webpack) addAliases(compiler)
  else addResolver(compiler)
  let isMarkerLoaded = false
  const load = async (context: LoaderContext<unknown>) => {
    const { resourceQuery } = context
    if (resourceQuery !== MARKER_QUERY)
      return build.virtual(resourceQuery.replace('?', './'), (file) => context.addDependency(file))
    isMarkerLoaded = true
    // Export anything, so that the untransformed import is reported and not a missing export.
    return 'module.exports = globalThis'
  }
  const { rules } = compiler.options.module
  rules.unshift({
    resourceQuery: OURS,
    enforce: 'pre',
    use: [{ loader: LOADER, options: { load } }],
  })
  // After the user's rules, because the last matching rule sets the module type.
  rules.push(
    { resourceQuery: OURS, type: 'javascript/auto', sideEffects: false },
    // Otherwise Rspack would not load a marker that only an `eval` uses.
    { resourceQuery: MARKER_QUERY, sideEffects: true },
  )
  compiler.hooks.thisCompilation.tap(NAME, (compilation) => {
    isMarkerLoaded = false
    // The first hook after the module graph is complete, which has the importer.
    compilation.hooks.seal.tap(NAME, () => {
      if (!isMarkerLoaded) return
      const { message } = build.untransformedImport(markerImporter(compilation))
      compilation.errors.push(new compiler.webpack.WebpackError(message))
    })
  })
  // A child compiler may load it later.
  compiler.hooks.emit.tap(NAME, () => void (isMarkerLoaded && build.untransformedImport()))
}

/** Adds a resolver plugin for webpack. It runs before all aliases and ignores `resolve.restrictions`. */
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
          // A cached resolution is valid while this file exists.
          fileDependencies?.add(LOADER)
          done(null, { ...asked, path: LOADER, query })
        }),
    ...(resolve.plugins ?? []),
  ]
}

/** Adds aliases for Rspack, where a resolve hook would be called for each import, which is slow. */
function addAliases({ options: { resolve } }: Compiler) {
  // An unescaped `#` would start a fragment.
  const file = LOADER.replaceAll('#', '\0#')
  const exact = Object.fromEntries(
    [...QUERIES, ...NAMED_REQUESTS.map((name) => [name, ''] as const)].map(([name, query]) => [
      `${name}$`,
      file + query,
    ]),
  )
  // The first matching alias applies. Of equal aliases, the last one applies.
  resolve.alias = { ...exact, ...(resolve.alias as Record<string, string>), ...exact }
}

/** Returns the importer of the marker, if it is a module of this compilation and not of a child compiler. */
function markerImporter(compilation: Compilation): string | undefined {
  const { inputs, importersOf } = graphOf(compilation)
  const marker = [...inputs].find((id) => id.endsWith(MARKER_QUERY))
  return marker && importersOf!(marker).find((id) => id !== marker)
}
