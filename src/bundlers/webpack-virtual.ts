import { fileURLToPath } from 'node:url'
import type { Compilation, Compiler, LoaderContext } from 'webpack'
import type { Build } from '../build.js'
import { MARKERS } from '../collect/collected.js'
import { CLIENT, SHIM } from '../emit/shim.js'
import { NAME } from './transform.js'
import { graphOf } from './webpack-graph.js'

const LOADER = fileURLToPath(new URL('webpack-virtual-loader.cjs', import.meta.url))

/** By their queries the modules are told apart that all have one file on the disk, the loader's own. */
const queryOf = (name: string) => name.replace('./', '?')
const MARKER_QUERY = '?unplugin-kms.marker'
const PAIR = /^(\.\/unplugin-kms\.pair)\..*/

/** No alias can know of which pairs there will be. */
export const requestOf = (name: string) =>
  name.replace(PAIR, (_, request: string) => request + queryOf(name))

/**
 * Resolves the modules that exist only in the build, and the marker, by aliases: a hook would be asked
 * about each import, which costs Rspack more than all else of ours. The marker, which no transformed
 * module imports any more, fails the build.
 */
export function addVirtualModules(build: Build, compiler: Compiler) {
  addAliases(compiler)
  let isPoisoned = false
  const load = async (context: LoaderContext<unknown>) => {
    const { resourceQuery } = context
    if (resourceQuery !== MARKER_QUERY)
      return build.virtual(resourceQuery.replace('?', './'), (file) => context.addDependency(file))
    isPoisoned = true
    // Whatever is imported from it is there, so that nothing is told of but the poison.
    return 'module.exports = globalThis'
  }
  compiler.options.module.rules.unshift({
    resourceQuery: /^\?unplugin-kms\./,
    enforce: 'pre',
    type: 'javascript/auto',
    sideEffects: false,
    use: [{ loader: LOADER, options: { load } }],
  })
  compiler.hooks.thisCompilation.tap(NAME, (compilation) => {
    isPoisoned = false
    // The first hook that can know who imported it.
    compilation.hooks.seal.tap(NAME, () => {
      if (!isPoisoned) return
      const { message } = build.poison(markerImporter(compilation))
      compilation.errors.push(new compiler.webpack.WebpackError(message))
    })
  })
}

function addAliases({ options: { resolve } }: Compiler) {
  // A `#` would begin a fragment.
  const file = LOADER.replaceAll('#', '\0#')
  const aliases = {
    [SHIM]: file + queryOf(SHIM),
    [CLIENT]: file + queryOf(CLIENT),
    './unplugin-kms.pair': file,
    ...Object.fromEntries([...MARKERS.keys()].map((marker) => [marker, file + MARKER_QUERY])),
  }
  const exact = Object.fromEntries(Object.entries(aliases).map(([name, to]) => [`${name}$`, to]))
  // The first that fits counts, and of equal ones the last.
  resolve.alias = Array.isArray(resolve.alias)
    ? [
        ...Object.entries(aliases).map(([name, alias]) => ({ name, alias, onlyModule: true })),
        ...resolve.alias,
      ]
    : { ...exact, ...resolve.alias, ...exact }
}

/** Whose import of the marker was never transformed, where it is a module of this compilation and no child's. */
function markerImporter(compilation: Compilation): string | undefined {
  const { inputs, importersOf } = graphOf(compilation)
  const marker = [...inputs].find((id) => id.endsWith(MARKER_QUERY))
  return marker && importersOf!(marker).find((id) => id !== marker)
}
