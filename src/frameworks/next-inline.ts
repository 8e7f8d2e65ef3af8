import { CLIENT, SHIM } from '../pipeline/emit/shim.js'
import type { BuildSession } from '../pipeline/session.js'
import type { Watch } from '../pipeline/target.js'

/** The module that emitted code imports instead of modules that exist only in a build. */
const PUBLISHED = 'unplugin-kms/next/shim'

const IMPORT = /import \{ (\w+) as (\w+) \} from '(\.\/unplugin-kms\.[\w.]+)';/g

/**
 * Replaces the imports of modules that exist only in a build, which Turbopack does not support. The
 * shim is imported from this package, which the user's modules can resolve. A data key pair becomes a
 * function declaration of the module, so that it can be called before its line.
 */
export async function inlineVirtualModules(
  code: string,
  build: BuildSession,
  watch: Watch,
): Promise<string> {
  const replacements = new Map<string, string>()
  for (const [statement, exported, local, name] of code.matchAll(IMPORT)) {
    replacements.set(
      statement,
      name === CLIENT
        ? `function ${local}(mark) { throw new Error(mark) }`
        : exported === 'open'
          ? pairFunction(local!, await build.virtual(name!, watch))
          : `import { ${exported} as ${local} } from '${PUBLISHED}';`,
    )
  }
  return code.replace(IMPORT, (statement) => replacements.get(statement)!)
}

/** @param module the code of the data key pair's own module. */
function pairFunction(local: string, module: string): string {
  const call = /\benvelope\((.*)\);\n$/.exec(module)?.[1]
  if (!module.includes(`from '${SHIM}'`) || call === undefined)
    throw new Error(`the module of the data key pair ${local} has another form`)
  return (
    `import { envelope as ${local}_envelope } from '${PUBLISHED}'; ` +
    `function ${local}(...token) { return (${local}.pair ??= ${local}_envelope(${call}))(...token) }`
  )
}
