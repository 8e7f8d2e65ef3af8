import { CLIENT, ML_KEM, SHIM } from '../pipeline/emit/shim.js'
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
        : exported === 'open' || exported === 'openBuilt'
          ? pairFunction(local!, exported === 'openBuilt', await build.virtual(name!, watch))
          : `import { ${exported} as ${local} } from '${PUBLISHED}';`,
    )
  }
  return code.replace(IMPORT, (statement) => replacements.get(statement)!)
}

/** @param module the code of the data key pair's own module. */
function pairFunction(local: string, isBuilt: boolean, module: string): string {
  const [, call] = /\benvelope\((.*)\);\n/.exec(module) ?? []
  const isMlKem = module.includes(`from '${ML_KEM}'`)
  if (call === undefined || (!isMlKem && !module.includes(`from '${SHIM}'`)))
    throw new Error(`the module of the data key pair ${local} has another form`)
  const envelope = isMlKem ? 'mlKemEnvelope' : 'envelope'
  const imported = isBuilt && !isMlKem ? [envelope, 'openToken'] : [envelope]
  const imports = imported.map((name) => `${name} as ${local}_${name}`).join(', ')
  const open = `(${local}.pair ??= ${local}_${envelope}(${call}))`
  const args = imported.length > 1 ? `token, label, as, ${local}_openToken` : 'token, label, as'
  return (
    `import { ${imports} } from '${PUBLISHED}'; ` +
    `function ${local}(token, label, as) { return ${open}(${args}) }`
  )
}
