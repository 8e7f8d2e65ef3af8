import type { Node } from '@babel/types'
import { babelParser } from '../syntax/parse.js'
import { staticText } from '../syntax/static-value.js'

/**
 * The arguments of a call, up to its closing parenthesis, from a text that begins with the first.
 * What the text does not say by itself is undefined.
 *
 * @returns null where the text is no list of expressions, or was cut off within it.
 */
export function readArguments(text: string): unknown[] | null {
  const node = leadingExpression(text)
  if (!node) return null
  return node.type === 'SequenceExpression' ? node.expressions.map(literal) : [literal(node)]
}

/**
 * The parser takes one expression and nothing after it, but says where what follows begins. Where
 * nothing follows, the list may have been cut off between two arguments.
 */
function leadingExpression(text: string): Node | null {
  try {
    babelParser().parseExpression(text)
    return null
  } catch (error) {
    const { reasonCode, pos = 0 } = error as { reasonCode?: string; pos?: number }
    return reasonCode === 'ParseExpressionExpectsEOF' && text[pos] === ')'
      ? parsed(text.slice(0, pos))
      : null
  }
}

function parsed(text: string): Node | null {
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
