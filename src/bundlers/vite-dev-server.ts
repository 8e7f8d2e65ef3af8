import { join, resolve } from 'node:path'
import type {
  DevEnvironment,
  EnvironmentOptions,
  ResolvedConfig,
  Rollup,
  ViteDevServer,
} from 'vite'
import { MARKER } from '../pipeline/collect/mark.js'
import { pathOf, type Graph } from '../pipeline/leak-check/origins.js'
import type { BuildSession } from '../pipeline/session.js'
import { readText } from '../util/read-text.js'
import { NAME } from './transform.js'
import { MARKERS } from './virtual.js'

/** Returns the importers of a module. A dev server knows them after it has served the importer. */
export function importersIn({ moduleGraph }: DevEnvironment): Graph['importersOf'] {
  return (id) => [...(moduleGraph.getModuleById(id)?.importers ?? [])].flatMap(({ id }) => id ?? [])
}

/** The code of modules with marks after all plugins, which a dev server does not provide. */
export class CompiledModules {
  readonly #code = new WeakMap<DevEnvironment, Map<string, string>>()

  add(environment: DevEnvironment, id: string, code: string): void {
    const modules = this.#code.get(environment) ?? new Map<string, string>()
    this.#code.set(environment, modules.set(id, code))
  }

  codeOf(environment: DevEnvironment, id: string): string | undefined {
    return this.#code.get(environment)?.get(id)
  }
}

const MODULE = /\.(?:[cm]?[jt]sx?|vue|svelte|astro|marko|imba|mdx)$/i

/**
 * Makes Vite transform or reject every request for a module with marks. Without it, Vite serves the file
 * unchanged if a browser navigates to it or if Vite does not know its extension.
 */
export function serveAsModules({ middlewares, config }: ViteDevServer) {
  middlewares.use(({ url = '', headers }, _, next) => {
    if (headers['sec-fetch-dest'] !== 'script') {
      const file = fileOf(url, config)
      if (MODULE.test(file) && readText(file)?.includes(MARKER))
        headers['sec-fetch-dest'] = 'script'
    }
    next()
  })
}

/** The URL prefix of absolute paths, which start with a drive letter on Windows. */
const FS = '/@fs/'

function fileOf(url: string, { root, base }: { root: string; base: string }): string {
  try {
    const path = decodeURI(new URL(url, 'http://localhost').pathname)
    const own = path.startsWith(base) ? `/${path.slice(base.length)}` : path
    return own.startsWith(FS) ? resolve('/', own.slice(FS.length)) : join(root, own)
  } catch {
    return ''
  }
}

/**
 * Removes the lines of modules with marks from errors of other plugins. Vite reads the lines of a file that
 * an error names, for the overlay and the terminal.
 */
export function showNoLines(environment: DevEnvironment) {
  const transformRequest = environment.transformRequest.bind(environment)
  environment.transformRequest = async (...request) => {
    try {
      return await transformRequest(...request)
    } catch (error) {
      hideLines(error as Rollup.RollupError)
      throw error
    }
  }
}

function hideLines(error: Rollup.RollupError) {
  const file = pathOf(error.loc?.file ?? error.id ?? '')
  if (error.frame && readText(file)?.includes(MARKER)) error.frame = ''
  if (error.pluginCode?.toString().includes(MARKER)) error.pluginCode = ''
}

/** Adds the leak check to the dependency optimizer, which has its own plugins. */
export const checkedDependencies = (build: BuildSession): EnvironmentOptions => ({
  // Otherwise modules of the server would import the marker as an external package.
  resolve: { noExternal: ['unplugin-kms'] },
  optimizeDeps: {
    // A bundled marker would count as a mark.
    exclude: ['unplugin-kms'],
    rolldownOptions: {
      plugins: [
        {
          name: NAME,
          generateBundle: (_, bundle) =>
            build.outputs.checkCopied(
              Object.values(bundle).map((file) => ({
                name: file.fileName,
                content: file.type === 'chunk' ? file.code : file.source,
              })),
            ),
        },
      ],
    },
  },
})

/** Removes the markers from the packages that the dev server bundles. Plugins such as unplugin-auto-import add them. */
export function serveUnbundled({ optimizeDeps, environments }: ResolvedConfig): void {
  const all = Object.values(environments).map((environment) => environment.optimizeDeps)
  for (const options of [optimizeDeps, ...all])
    if (options.include) options.include = options.include.filter((name) => !MARKERS.test(name))
}
