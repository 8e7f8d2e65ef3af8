import MagicString from 'magic-string'
import { KmsBuildError } from '../errors.js'
import { collect } from '../pipeline/collect/collect.js'
import { MARKER, type CollectedMarks } from '../pipeline/collect/mark.js'
import { maskLiterals } from '../pipeline/emit/mask.js'

/**
 * Changes a module so that its marks name their module: `secret.env('A')` becomes
 * `marks(secret, 'src/a.ts', project).env('A')`. Values are not in it, since Jest caches it on the
 * disk: plaintext literals are masked. Every line stays where it was.
 *
 * @returns null if the module has no marks.
 * @throws KmsBuildError as a build would, for a mark that it could not read.
 */
export function bindMarks(code: string, file: string, project: string): string | null {
  if (!code.includes(MARKER)) return null
  const collected = collectUnlessMocked(code, file)
  if (!collected?.marks.length) return null
  const masked = maskLiterals(code, file)?.code ?? code
  const { marks, imports } = collect(masked, file)!
  const magic = new MagicString(masked)
  const name = freeName(masked)
  const rest = `, ${JSON.stringify(file)}, ${JSON.stringify(project)})`
  for (const { start, end } of marks) {
    // `secret`, or `ns` of `ns.secret`.
    const found = /[\p{ID_Start}$_][\p{ID_Continue}$]*/u.exec(masked.slice(start, end))!
    magic.appendRight(start + found.index, `${name}(`)
    magic.appendLeft(start + found.index + found[0].length, rest)
  }
  magic.appendLeft(
    imports[0]!.start,
    `import { marks as ${name} } from 'unplugin-kms/jest/marks'; `,
  )
  return magic.toString()
}

/** Returns null for a test that passes the marker to Jest: `jest.spyOn(secret, 'env')`. */
function collectUnlessMocked(code: string, file: string): CollectedMarks | null {
  try {
    return collect(code, file)
  } catch (error) {
    const isAsValue = error instanceof KmsBuildError && error.code === 'MARK_AS_VALUE'
    if (isAsValue && /\bjest\b/.test(code)) return null
    throw error
  }
}

function freeName(code: string): string {
  let name = 'kms_marks'
  while (code.includes(name)) name = `_${name}`
  return name
}
