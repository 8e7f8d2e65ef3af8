import type { Node } from '@babel/types'

/** The text of a string literal, of a template without expressions, or of a sum of those. */
export function staticText(node: Node): string | undefined {
  switch (node.type) {
    case 'StringLiteral':
      return node.value
    case 'TemplateLiteral':
      return node.expressions.length ? undefined : (node.quasis[0]!.value.cooked ?? undefined)
    case 'BinaryExpression': {
      if (node.operator !== '+') return undefined
      const left = staticText(node.left)
      const right = left === undefined ? undefined : staticText(node.right)
      return right === undefined ? undefined : left + right
    }
    default:
      return undefined
  }
}
