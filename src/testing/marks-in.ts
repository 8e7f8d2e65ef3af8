import { readFileSync } from 'node:fs'
import { collectBySyntax } from '../pipeline/collect/by-syntax.js'
import { collect } from '../pipeline/collect/collect.js'
import { MARKER, type Mark } from '../pipeline/collect/mark.js'

/** How a module was loaded: compiled CommonJS requires the marker. */
export type ModuleFormat = 'esm' | 'cjs'

/**
 * Returns the marks in a module's source file.
 *
 * @param isSync whether to return those of `unplugin-kms/secret/sync`, or the others.
 * @throws KmsBuildError as `collect` does.
 */
export function marksIn(path: string, file: string, format: ModuleFormat, isSync: boolean): Mark[] {
  const code = readFileSync(path, 'utf8')
  if (!code.includes(MARKER)) return []
  const isCompiled = format === 'cjs' && /\.c?js$/.test(path)
  const collected = isCompiled ? collectBySyntax(code, file, 'serve') : collect(code, file)
  return collected?.marks.filter(({ sync }) => sync === isSync) ?? []
}
