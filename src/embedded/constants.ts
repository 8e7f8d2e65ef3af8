import type { NodePath } from '@babel/traverse'
import type { CallExpression } from '@babel/types'
import { babelParser } from '../syntax/parse.js'
import { traverse } from '../syntax/traverse.js'
import {
  isTokenLike,
  embeddedToken,
  embeddedCiphertext,
  type EmbeddedItem,
} from './embedded-item.js'

/**
 * Finds embedded secrets whose token or blobs a minifier moved to constants:
 * `const a = "kms:v1:…"; … f(a, "NAME")`. Parses the complete file and resolves its scopes.
 *
 * @returns an empty list if the file does not parse.
 */
export function findInConstants(code: string): EmbeddedItem[] {
  const found: EmbeddedItem[] = []
  try {
    const ast = babelParser().parse(code, {
      sourceType: 'unambiguous',
      errorRecovery: true,
      allowReturnOutsideFunction: true,
      allowUndeclaredExports: true,
      createImportExpressions: true,
    })
    traverse(ast, { CallExpression: (path) => void found.push(...embeddedInCall(path)) })
  } catch {
    return []
  }
  return found
}

function embeddedInCall(path: NodePath<CallExpression>): EmbeddedItem[] {
  const [first, ...rest] = path.get('arguments')
  if (!first) return []
  const value = valueOf(first)
  if (typeof value === 'string')
    return isTokenLike(value) && rest.length ? [embeddedToken(value, rest.map(valueOf))] : []
  const item = Array.isArray(value) ? embeddedCiphertext([value, ...rest.map(valueOf)]) : null
  return item ? [item] : []
}

const valueOf = (path: NodePath) => {
  const { confident, value } = path.evaluate() as { confident: boolean; value: unknown }
  return confident ? value : undefined
}
