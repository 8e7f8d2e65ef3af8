import { existsSync } from 'node:fs'
import type { UnpluginOptions } from 'unplugin'
import { MARKER } from '../pipeline/collect/mark.js'
import type { BuildSession } from '../pipeline/session.js'
import { NODE_BUILD, type ModuleHost } from '../pipeline/target.js'

export const NAME = 'unplugin-kms'

/**
 * Returns the transform hook. Native filters skip modules without marks.
 *
 * @param includes returns whether to transform a module. Default: the options `include` and `exclude`.
 */
export const transformHook = (
  build: BuildSession,
  hostOf: (context: unknown) => Omit<ModuleHost, 'watch'> = () => ({ target: NODE_BUILD }),
  includes = (id: string) => build.includes(id),
) =>
  ({
    filter: { id: { include: build.include, exclude: build.exclude }, code: MARKER },
    async handler(code, id) {
      // Vite before 6.3 ignores filters.
      if (!includes(id)) return null
      const host = hostOf(this)
      const watch = (file: string) => {
        // Vite's dev server treats a watched file as an import, and fails if it does not exist.
        if (host.target.command === 'build' || existsSync(file)) this.addWatchFile(file)
      }
      const result = await build.transform(code, id, { ...host, watch })
      // An object: Farm drops a string, and Babel's loader for webpack rejects it.
      return result && { code: result.code, map: Object.assign({}, result.map) }
    },
  }) satisfies UnpluginOptions['transform']
