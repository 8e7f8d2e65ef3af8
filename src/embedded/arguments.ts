import type { Node } from '@babel/types'
import { babelParser } from '../syntax/parse.js'
import { staticText } from '../syntax/static-value.js'

/**
 * Reads the arguments of a call from code that starts with the first argument. Arguments that are not
 * literals are undefined.
 *
 * @returns null if the code is not a list of expressions followed by `)`, for example if it is cut off.
 */
export function readArguments(text: string): unknown[] | null {
  const node = leadingExpression(text)
  if (!node) return null
  return node.type === 'SequenceExpression' ? node.expressions.map(literal) : [literal(node)]
}

/**
 * Parses the expression at the start of the code. Babel parses only complete inputs, but its error
 * contains the position of the first character after the expression, which must be `)`.
 */
function leadingExpression(text: string): Node | null {
  try {
    babelParser().parseExpression(text)
    return null
  } catch (error) {
    const { reasonCode, pos = 0 } = error as { reasonCode?: string; pos?: number }
    return reasonCode === 'ParseExpressionExpectsEOF' && text[pos] === ')'
      ? parseExpression(text.slice(0, pos))
      : null
  }
}

function parseExpression(text: string): Node | null {
  try {
    return babelParser().parseExpression(text)
  } catch {
    return null
  }
}

function literal(node: Node | null): unknown {
  switch (node?.type) {
    case 'NullLiteral':
      return null
    case 'NumericLiteral':
    case 'BooleanLiteral':
      return node.value
    case 'ArrayExpression':
      return node.elements.map(literal)
    case 'ObjectExpression':
      return Object.fromEntries(
        node.properties.flatMap((property) => {
          if (property.type !== 'ObjectProperty') return []
          const { key, value, computed } = property
          const name = key.type === 'Identifier' && !computed ? key.name : staticText(key)
          return name === undefined ? [] : [[name, literal(value)]]
        }),
      )
    default:
      return node ? staticText(node) : undefined
  }
}
