import { existsSync, readFileSync } from 'node:fs'
import type { DevEnvironment, EnvironmentOptions, Rollup } from 'vite'
import type { Build } from '../build.js'
import { MARKER } from '../collect/collected.js'
import type { Graph } from '../prove/origins.js'
import { NAME } from './transform.js'

/** A dev server knows who imports a module as soon as it has served the importer. */
export function importersIn({ moduleGraph }: DevEnvironment): Graph['importersOf'] {
  return (id) => [...(moduleGraph.getModuleById(id)?.importers ?? [])].flatMap(({ id }) => id ?? [])
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
  const file = (error.loc?.file ?? error.id ?? '').replace(/[?#].*$/, '')
  const source = error.frame && existsSync(file) ? readFileSync(file, 'utf8') : ''
  if (source.includes(MARKER)) error.frame = ''
  if (error.pluginCode?.toString().includes(MARKER)) error.pluginCode = ''
}

/** The dependency optimizer has plugins of its own: what it bundles is proven as any output is. */
export const provenDependencies = (build: Build): EnvironmentOptions => ({
  optimizeDeps: {
    // Bundled, the marker itself would be taken for a mark.
    exclude: ['unplugin-kms'],
    rolldownOptions: {
      plugins: [
        {
          name: NAME,
          generateBundle: (_, bundle) =>
            build.proveAside(
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
