import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { ML_KEM, SHIM, VIRTUAL } from '../pipeline/emit/shim.js'
import type { BuildSession } from '../pipeline/session.js'
import { NODE_BUILD, type Target } from '../pipeline/target.js'
import { DECLARATION } from '../util/declaration-file.js'

/** Matches the specifiers of the marker. */
export const MARKERS = /^unplugin-kms\/secret(?:\/sync)?$/

// By convention, other plugins ignore ids with `\0`.
const RESOLVED = '\0'
const OWN_PREFIX = `${RESOLVED}unplugin-kms.`
const MARKER_ID = /^\0unplugin-kms\.(secret(?:-sync)?)\?(.*)$/s

const DATA_URL = /^(\0?data:).*/s

/** The ids of the modules that decrypt: the shim, and its part for ML-KEM pairs. */
export const SHIM_ID = RESOLVED + SHIM.slice('./'.length)
export const ML_KEM_ID = RESOLVED + ML_KEM.slice('./'.length)

/** Matches the ids of the modules that exist only in the build. */
export const OWN_ID = /^\0unplugin-kms\./

/** What a bundler provides about the importer of a marker. */
export interface ServingHost {
  target?: Target
  /** The importer's code; absent if the bundler does not provide it. */
  compiled?: string | undefined
}

/**
 * Resolves and loads the modules that exist only in the build. The marker, which rewritten modules no
 * longer import, resolves to a separate module for each importer.
 *
 * @param hostOf called with the plugin's context and the importer's id.
 */
export function virtualModules(
  build: BuildSession,
  hostOf: (context: unknown, importer: string) => ServingHost = () => ({}),
) {
  // Ids name the importer relative to the root: they are in the names of some outputs.
  const importers = new Map<string, string>()

  return {
    resolveId: {
      filter: { id: /^(?:\.\/unplugin-kms\.|unplugin-kms\/secret)/ },
      handler(source: string, importer?: string): string | null {
        if (VIRTUAL.test(source)) return RESOLVED + source.slice('./'.length)
        // A bundler of declarations needs the types of the marker.
        if (!MARKERS.test(source) || (importer && DECLARATION.test(importer))) return null
        // Another instance of the plugin, which is called next, includes the importer.
        const owner = build.peers.find((session) => importer && session.includes(importer))
        if (owner && owner !== build && !build.includes(importer!)) return null
        // Bundlers print ids, and the id of a data URL contains the source of its module.
        const importing = importer?.replace(DATA_URL, '$1') ?? ''
        const shown = /^\0?data:/.test(importing) ? importing : build.fromRoot(importing)
        importers.set(shown, importing)
        return `${OWN_PREFIX}${source.slice('unplugin-kms/'.length).replace('/', '-')}?${shown}`
      },
    },

    load: {
      filter: { id: OWN_ID },
      // Checks the id itself, since Vite before 6.3 ignores filters.
      async handler(
        this: { addWatchFile(file: string): void },
        id: string,
      ): Promise<string | null> {
        if (!id.startsWith(OWN_PREFIX)) return null
        const watch = (file: string) => {
          // Modules with marks watch a missing file, if their bundler can.
          if (existsSync(file)) this.addWatchFile(file)
        }
        const [, marker, shown] = MARKER_ID.exec(id) ?? []
        if (marker === undefined) return build.virtual(`./${id.slice(RESOLVED.length)}`, watch)
        // A cache may contain the id of another process.
        const importer = importers.get(shown!) ?? resolve(build.root, shown!)
        const { compiled, target = NODE_BUILD } = hostOf(this, importer)
        const name = `unplugin-kms/${marker.replace('-', '/')}`
        return build.serveMarker(name, importer, { target, watch }, compiled)
      },
    },
  }
}
