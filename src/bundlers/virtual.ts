import { existsSync } from 'node:fs'
import { SHIM, VIRTUAL } from '../pipeline/emit/shim.js'
import type { BuildSession } from '../pipeline/session.js'
import { DECLARATION } from '../util/declaration-file.js'

/** What a mark is imported from. */
export const MARKERS = /^unplugin-kms\/secret(?:\/sync)?$/

// `\0` tells other plugins to leave the module alone.
const RESOLVED = '\0'
const MARKER = `${RESOLVED}unplugin-kms.marker?`

const DATA_URL = /^(\0?data:).*/s

const OWN_PREFIX = `${RESOLVED}unplugin-kms.`

/** The id of the shim's module. */
export const SHIM_ID = RESOLVED + SHIM.slice('./'.length)

/** Whether an id is that of a module which exists only in the build. */
export const OWN_ID = /^\0unplugin-kms\./

/** Resolves the build's own modules, and the marker, which no transformed module imports any more. */
export const resolveHook = {
  filter: { id: /^(?:\.\/unplugin-kms\.|unplugin-kms\/secret)/ },
  handler(source: string, importer?: string): string | null {
    if (VIRTUAL.test(source)) return RESOLVED + source.slice('./'.length)
    // A bundler of types asks for the marker's.
    if (importer && DECLARATION.test(importer)) return null
    // Bundlers print ids, and a data URL's holds its module's text.
    return MARKERS.test(source) ? MARKER + (importer?.replace(DATA_URL, '$1') ?? '') : null
  },
}

/**
 * Loads what `resolveHook` resolved; a marker fails the build, since its importer was never seen.
 * Checks the id itself, since Vite before 6.3 ignores filters.
 */
export const loadHook = (build: BuildSession) => ({
  filter: { id: OWN_ID },
  async handler(this: { addWatchFile(file: string): void }, id: string): Promise<string | null> {
    if (!id.startsWith(OWN_PREFIX)) return null
    if (id.startsWith(MARKER)) throw build.untransformedImport(id.slice(MARKER.length))
    return build.virtual(`./${id.slice(RESOLVED.length)}`, (file) => {
      // An absent file is watched by the marked modules, where their bundler can.
      if (existsSync(file)) this.addWatchFile(file)
    })
  },
})
