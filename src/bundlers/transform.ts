import { existsSync } from 'node:fs'
import type { UnpluginOptions } from 'unplugin'
import { MARKER } from '../pipeline/collect/mark.js'
import type { Build, Target } from '../pipeline/session.js'

export const NAME = 'unplugin-kms'

/** The transform hook of all bundlers that have one; native filters keep unmarked modules out of it. */
export const transformHook = (build: Build, target: (context: unknown) => Target = () => ({})) =>
  ({
    filter: { id: { include: build.include, exclude: build.exclude }, code: MARKER },
    async handler(code, id) {
      const own = target(this)
      const result = await build.transform(code, id, own, (file) => {
        // Vite's dev server takes a watched file for an import, and fails where it is not there.
        if (!own.immediate || existsSync(file)) this.addWatchFile(file)
      })
      // An object: Farm drops a text, and Babel's loader for webpack refuses it.
      return result && { code: result.code, map: { ...result.map } }
    },
  }) satisfies UnpluginOptions['transform']
