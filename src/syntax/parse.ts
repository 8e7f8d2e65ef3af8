import { createRequire } from 'node:module'
import type { ParserPlugin } from '@babel/parser'
import type { File } from '@babel/types'
import { KmsBuildError } from '../errors.js'

const require = createRequire(import.meta.url)

/** Loaded where something is parsed: a build without marks does not pay for it. */
export const babelParser = () => require('@babel/parser') as typeof import('@babel/parser')

/** Syntax that TypeScript or a bundler accepts, and that Babel parses only on request. */
const PROPOSALS: ParserPlugin[] = [
  'decoratorAutoAccessors',
  'deferredImportEvaluation',
  'deprecatedImportAssert',
  'explicitResourceManagement',
  'sourcePhaseImports',
]

/**
 * Parses TypeScript, TSX, JavaScript or JSX, with decorators of either kind.
 * Babel's messages name a place and never quote the source, unlike those of the native parsers.
 */
export function parse(code: string, file: string): File {
  const extension = /\.([cm]?[jt]sx?)(?:\?.*)?$/.exec(file)?.[1] ?? 'ts'
  const syntax: ParserPlugin[] = []
  if (/^[cm]?ts|tsx/.test(extension)) syntax.push('typescript')
  if (!/^[cm]?ts$/.test(extension)) syntax.push('jsx')
  let failure: unknown
  // TypeScript's decorators stand on parameters, ECMAScript's hold any expression in parentheses.
  for (const decorators of ['decorators-legacy', 'decorators'] as const) {
    try {
      return babelParser().parse(code, {
        sourceType: 'module',
        allowReturnOutsideFunction: true,
        allowUndeclaredExports: true,
        createImportExpressions: true,
        attachComment: false,
        plugins: [...syntax, ...PROPOSALS, decorators],
      })
    } catch (error) {
      failure ??= error
    }
  }
  const { reasonCode, loc } = failure as {
    reasonCode?: string
    loc?: { line: number; column: number }
  }
  throw new KmsBuildError(
    'SOURCE_UNPARSABLE',
    `the module has marks but does not parse (${reasonCode ?? 'syntax error'}). Mend the syntax; ` +
      'the line is not shown, since it may hold a secret.',
    { file, line: loc?.line ?? 1, column: (loc?.column ?? 0) + 1 },
  )
}
