import { fileURLToPath } from 'node:url'
import type { Compiler, LoaderContext } from 'webpack'
import type { Build } from '../build.js'
import { MARKERS } from '../collect/collected.js'
import { CLIENT, SHIM } from '../emit/shim.js'

const LOADER = fileURLToPath(new URL('webpack-virtual-loader.cjs', import.meta.url))

/** By their queries the modules are told apart that all have one file on the disk, the loader's own. */
const queryOf = (name: string) => name.replace('./', '?')
export const MARKER_QUERY = '?unplugin-kms.marker'
const PAIR = /^(\.\/unplugin-kms\.pair)\..*/

/** No alias can know of which pairs there will be. */
export const requestOf = (name: string) =>
  name.replace(PAIR, (_, request: string) => request + queryOf(name))

/**
 * Resolves the modules that exist only in the build, and the marker, by aliases: a hook would be asked
 * about each import, which costs Rspack more than all else of ours.
 *
 * @param poison called where the marker is loaded, which no transformed module imports any more.
 */
export function addVirtualModules(build: Build, compiler: Compiler, poison: () => void) {
  const { module, resolve } = compiler.options
  // A `#` would begin a fragment.
  const file = LOADER.replaceAll('#', '\0#')
  const aliases = {
    [SHIM]: file + queryOf(SHIM),
    [CLIENT]: file + queryOf(CLIENT),
    './unplugin-kms.pair': file,
    ...Object.fromEntries([...MARKERS.keys()].map((marker) => [marker, file + MARKER_QUERY])),
  }
  const load = async (context: LoaderContext<unknown>) => {
    const { resourceQuery } = context
    if (resourceQuery !== MARKER_QUERY)
      return build.virtual(resourceQuery.replace('?', './'), (file) => context.addDependency(file))
    poison()
    // Whatever is imported from it is there, so that nothing is told of but the poison.
    return 'module.exports = globalThis'
  }
  const exact = Object.fromEntries(Object.entries(aliases).map(([name, to]) => [`${name}$`, to]))
  // The first that fits counts, and of equal ones the last.
  resolve.alias = Array.isArray(resolve.alias)
    ? [
        ...Object.entries(aliases).map(([name, alias]) => ({ name, alias, onlyModule: true })),
        ...resolve.alias,
      ]
    : { ...exact, ...resolve.alias, ...exact }
  module.rules.unshift({
    resourceQuery: /^\?unplugin-kms\./,
    enforce: 'pre',
    type: 'javascript/auto',
    sideEffects: false,
    use: [{ loader: LOADER, options: { load } }],
  })
}
