import { KmsBuildError } from '../../errors.js'
import type { OptionsResolved, VariableSource } from '../../options/types.js'
import type { SecretsFile } from '../../secrets-file/types.js'
import type { Mark, Source } from './mark.js'

/** An environment variable of the bundle, and the mark that it would be in a source file. */
export interface Variable {
  name: string
  mark: Mark
}

type VariableOptions = Pick<OptionsResolved, 'processEnv' | 'scopes' | 'secretsFile'>

/**
 * Returns the variables of the option `processEnv`.
 *
 * @throws KmsBuildError SECRETS_FILE_MISSING, OPTIONS_INVALID if `true` means no entry.
 */
export function variablesIn(
  { processEnv, scopes, secretsFile: { path } }: VariableOptions,
  secretsFile: SecretsFile | null,
): Variable[] {
  if (processEnv === undefined) return []
  const sources =
    processEnv === true ? allEntries(secretsFile, scopes, path) : Object.entries(processEnv)
  return sources.map(([name, source]) => ({ name, mark: markOf(name, source) }))
}

function allEntries(
  secretsFile: SecretsFile | null,
  scopes: string[],
  path: string,
): [string, VariableSource][] {
  if (!secretsFile) {
    throw new KmsBuildError(
      'SECRETS_FILE_MISSING',
      `option processEnv is true, which means all entries of the secrets file, and ${path} does not exist. Create it with npx unplugin-kms init, or name the variables and their sources.`,
    )
  }
  const { secrets, pairs } = secretsFile
  const allowed = [...secrets].filter(([, { fingerprint }]) => {
    const scope = pairs.get(fingerprint)?.scope
    return !scopes.length || scope === undefined || scopes.includes(scope)
  })
  if (!allowed.length) {
    throw new KmsBuildError(
      'OPTIONS_INVALID',
      `option processEnv is true, and ${secretsFile.path} has no entry${scopes.length ? ` of the scopes ${scopes.join(', ')}` : ''}. Add one with npx unplugin-kms set NAME.`,
    )
  }
  return allowed.map(([named]) => [named, { named }])
}

/** The place is the option, because no source file contains the mark. */
function markOf(name: string, given: VariableSource): Mark {
  const { encryptionContext, key, reference, ...rest } = given as Record<string, unknown>
  const source = SOURCES.find((one) => Object.hasOwn(rest, one))!
  const { [source]: argument, ...options } = rest
  const detail = (key ?? reference) as string | undefined
  return {
    source,
    argument: argument as string,
    ...(detail !== undefined && { detail }),
    encryptionContext: (encryptionContext ?? {}) as Record<string, string>,
    options,
    format: 'text',
    values: [],
    sync: false,
    pure: false,
    start: 0,
    end: 0,
    argumentStart: 0,
    argumentEnd: 0,
    place: { file: `processEnv.${name}`, line: 0, column: 0 },
  }
}

const SOURCES: Exclude<Source, 'literal'>[] = [
  'env',
  'file',
  'named',
  'ssm',
  'secretsManager',
  'ciphertext',
  'from',
]
