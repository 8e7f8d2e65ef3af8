import type { Node } from '@babel/types'

/** A value that stands in the source itself. */
export type StaticValue = string | boolean | Record<string, string | boolean>

/**
 * The value of a text (a string literal, a template without expressions, or a sum of those), of
 * `true` or `false`, or of an object literal whose values are such; undefined for anything else.
 */
export function staticValue(node: Node): StaticValue | undefined {
  if (node.type === 'BooleanLiteral') return node.value
  // As minifiers write it.
  if (node.type === 'UnaryExpression' && node.operator === '!')
    return node.argument.type === 'NumericLiteral' ? !node.argument.value : undefined
  return node.type === 'ObjectExpression' ? staticObject(node.properties) : staticText(node)
}

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

function staticObject(properties: Node[]): Record<string, string | boolean> | undefined {
  const entries: [string, string | boolean][] = []
  for (const property of properties) {
    if (property.type !== 'ObjectProperty' || property.computed) return undefined
    const key = property.key.type === 'Identifier' ? property.key.name : staticText(property.key)
    const value = staticValue(property.value)
    if (key === undefined || value === undefined || typeof value === 'object') return undefined
    entries.push([key, value])
  }
  // A repeated key would be taken for whichever its reader did not mean.
  return new Set(entries.map(([key]) => key)).size === entries.length
    ? Object.fromEntries(entries)
    : undefined
}
