import type { OptionsResolved } from '../options/types.js'
import type { SecretsFile } from '../secrets-file/parse.js'
import { checkPins } from '../secrets-file/pins.js'
import {
  devValuesIgnored,
  exceptedFromSearch,
  manyDirect,
  pinOfPublicKeys,
  plaintextLiterals,
  tooShortToSearch,
  unreadInProject,
  type Warning,
} from './diagnostics.js'
import { unsearched } from './leak-check/examine.js'
import type { ModuleRegistry } from './module-registry.js'

/** With more, the requests of a cold start begin to wait for each other. */
const MANY_DIRECT = 10

/** Returns the warnings to print after a successful build. */
export function warnings(
  { records, commented, unread }: Pick<ModuleRegistry, 'records' | 'commented' | 'unread'>,
  options: Pick<OptionsResolved, 'plaintextLiterals' | 'leakCheck' | 'devValues' | 'pins'>,
  secretsFile: SecretsFile | null = null,
): Warning[] {
  const literals = [...records.flatMap((module) => module.plaintextLiterals), ...commented]
  const direct = records.reduce((sum, module) => sum + module.direct, 0)
  const { short, excepted } = unsearched(
    records.flatMap(({ seen }) => seen),
    options.leakCheck,
  )
  return [
    ...(literals.length && options.plaintextLiterals === 'warn'
      ? [plaintextLiterals(literals)]
      : []),
    ...(direct > MANY_DIRECT ? [manyDirect(direct)] : []),
    ...(short.length ? [tooShortToSearch(short, options.leakCheck)] : []),
    ...(excepted.length ? [exceptedFromSearch(excepted, options.leakCheck)] : []),
    ...(unread.length ? [unreadInProject(unread)] : []),
    ...(secretsFile && options.pins.length && checkPins(secretsFile, options.pins) !== 'complete'
      ? [pinOfPublicKeys(secretsFile)]
      : []),
    ...(options.devValues ? [devValuesIgnored()] : []),
  ]
}
