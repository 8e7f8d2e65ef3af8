import type { NodePath } from '@babel/traverse'
import type { CallExpression } from '@babel/types'
import { babelParser } from '../syntax/parse.js'
import { traverse } from '../syntax/traverse.js'
import { isTokenText, tokenSighting, wrappedSighting, type Sighting } from './sighting.js'

/**
 * Finds the openings whose arguments are constants that stand elsewhere, as some minifiers leave
 * them: `const a = "kms:v1:…"; … f(a, "NAME")`. Parses the whole file and follows its scopes.
 *
 * @returns nothing where the file does not parse.
 */
export function sightConstants(code: string): Sighting[] {
  const found: Sighting[] = []
  try {
    const ast = babelParser().parse(code, {
      sourceType: 'unambiguous',
      errorRecovery: true,
      allowReturnOutsideFunction: true,
      allowUndeclaredExports: true,
      createImportExpressions: true,
    })
    traverse(ast, { CallExpression: (path) => void found.push(...openingAt(path)) })
  } catch {
    return []
  }
  return found
}

function openingAt(path: NodePath<CallExpression>): Sighting[] {
  const [first, ...rest] = path.get('arguments')
  if (!first) return []
  const value = valueOf(first)
  if (typeof value === 'string')
    return isTokenText(value) && rest.length ? [tokenSighting(value, rest.map(valueOf))] : []
  const sighting = Array.isArray(value) ? wrappedSighting([value, ...rest.map(valueOf)]) : null
  return sighting ? [sighting] : []
}

const valueOf = (path: NodePath) => {
  const { confident, value } = path.evaluate() as { confident: boolean; value: unknown }
  return confident ? value : undefined
}
