import { existsSync, readFileSync } from 'node:fs'
import type { DevEnvironment, Rollup } from 'vite'
import { MARKER } from '../collect/collect.js'
import type { Graph } from '../prove/origins.js'

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
