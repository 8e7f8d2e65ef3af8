import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { DevEnvironment, EnvironmentOptions, Rollup, ViteDevServer } from 'vite'
import { MARKER } from '../pipeline/collect/mark.js'
import { pathOf, type Graph } from '../pipeline/leak-check/origins.js'
import type { BuildSession } from '../pipeline/session.js'
import { NAME } from './transform.js'

/** A dev server knows who imports a module as soon as it has served the importer. */
export function importersIn({ moduleGraph }: DevEnvironment): Graph['importersOf'] {
  return (id) => [...(moduleGraph.getModuleById(id)?.importers ?? [])].flatMap(({ id }) => id ?? [])
}

/** The code of marked modules as all plugins have left it, which a dev server does not tell. */
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
 * A module that is navigated to, or whose ending Vite does not take for a module's, it gives as it lies
 * on the disk. One with marks is always asked for as a script is, and so refused or transformed.
 */
export function serveAsModules({ middlewares, config }: ViteDevServer) {
  middlewares.use(({ url = '', headers }, _, next) => {
    if (headers['sec-fetch-dest'] !== 'script') {
      const file = fileOf(url, config)
      if (MODULE.test(file) && textOf(file).includes(MARKER)) headers['sec-fetch-dest'] = 'script'
    }
    next()
  })
}

/** Before an absolute path, which on Windows begins with its drive. */
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

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

/**
 * Where another plugin's error names a file, Vite reads its lines from the disk for the overlay and
 * the terminal: those of a module with marks are taken out, before anybody is told.
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
  const source = error.frame ? textOf(file) : ''
  if (source.includes(MARKER)) error.frame = ''
  if (error.pluginCode?.toString().includes(MARKER)) error.pluginCode = ''
}

/** Adds the leak check to the dependency optimizer, which has plugins of its own. */
export const checkedDependencies = (build: BuildSession): EnvironmentOptions => ({
  // Else a server's modules would import the marker from outside, past all plugins.
  resolve: { noExternal: ['unplugin-kms'] },
  optimizeDeps: {
    // Bundled, the marker itself would be taken for a mark.
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
