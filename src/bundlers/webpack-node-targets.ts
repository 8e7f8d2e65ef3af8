import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

/** The parts of a compiler of webpack or Rspack that name the Node.js of its bundle. */
interface Compiler {
  context: string
  options: { target?: unknown }
  /** Of Rspack: the lowest version of each target, once the target is resolved. */
  target?: { targets?: Record<string, unknown> | null }
}

const BROWSERSLIST = /^browserslist(?::(.+))?$/

/** Returns the targets of a compiler. Those of browserslist are resolved, as the bundler resolved them. */
export function nodeTargets(host: object): unknown[] {
  const compiler = host as Compiler
  return [compiler.options.target].flat().flatMap((target: unknown) => {
    const [isBrowserslist, query] = BROWSERSLIST.exec(String(target)) ?? []
    if (!isBrowserslist) return [target]
    return resolvedByRspack(compiler) ?? resolvedByWebpack(compiler.context, query) ?? []
  })
}

function resolvedByRspack({ target }: Compiler): string[] | undefined {
  const node = target?.targets?.node
  return typeof node === 'string' ? [`node ${node}`] : undefined
}

/** Asks the module with which webpack resolves the target: a compiler does not keep the result. */
function resolvedByWebpack(context: string, query: string | undefined): string[] | undefined {
  for (const from of [join(context, 'index.js'), import.meta.url]) {
    try {
      const require = createRequire(from)
      const folder = dirname(require.resolve('webpack/package.json'))
      const { load } = require(join(folder, 'lib/config/browserslistTargetHandler.js')) as {
        load(query: string | null, context: string): string[] | undefined
      }
      return load(query?.trim() ?? null, context)
    } catch {
      // Not installed there, or another version of webpack: the shim reports the Node.js at run time.
    }
  }
  return undefined
}
