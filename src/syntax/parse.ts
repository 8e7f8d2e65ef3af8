import { createRequire } from 'node:module'
import type { ParserPlugin } from '@babel/parser'
import type { File } from '@babel/types'
import { KmsBuildError } from '../errors.js'

const require = createRequire(import.meta.url)

/** Loads Babel's parser at the first call: builds without marks never load it. */
export const babelParser = () => require('@babel/parser') as typeof import('@babel/parser')

/** Syntax that TypeScript or a bundler accepts, and that Babel parses only with a plugin. */
const PROPOSALS: ParserPlugin[] = [
  'decoratorAutoAccessors',
  'deferredImportEvaluation',
  'deprecatedImportAssert',
  'explicitResourceManagement',
  'sourcePhaseImports',
]

/**
 * Parses TypeScript, TSX, JavaScript or JSX, with either kind of decorators.
 *
 * @throws KmsBuildError SOURCE_UNPARSABLE, which never quotes the source.
 */
export function parse(code: string, file: string): File {
  const extension = /\.([cm]?[jt]sx?)(?:\?.*)?$/.exec(file)?.[1] ?? 'ts'
  const syntax: ParserPlugin[] = []
  if (/^[cm]?ts|tsx/.test(extension)) syntax.push('typescript')
  if (!/^[cm]?ts$/.test(extension)) syntax.push('jsx')
  let failure: unknown
  // Only TypeScript's decorators are allowed on parameters; only ECMAScript's contain any expression.
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
    `the module has marks but does not parse (${reasonCode ?? 'syntax error'}). Fix the syntax error. ` +
      'The line is not shown, because it may contain a secret.',
    { file, line: loc?.line ?? 1, column: (loc?.column ?? 0) + 1 },
  )
}
