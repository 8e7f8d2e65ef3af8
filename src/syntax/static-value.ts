import type { Node } from '@babel/types'

/** A value that is written in the source itself. */
export type StaticValue = string | boolean | Record<string, string | boolean>

/**
 * Returns the value of a static string (see `staticText`), a boolean, or an object literal of these;
 * undefined for anything else.
 */
export function staticValue(node: Node): StaticValue | undefined {
  if (node.type === 'BooleanLiteral') return node.value
  // Minifiers write true and false as !0 and !1.
  if (node.type === 'UnaryExpression' && node.operator === '!')
    return node.argument.type === 'NumericLiteral' ? !node.argument.value : undefined
  return node.type === 'ObjectExpression' ? staticObject(node.properties) : staticText(node)
}

/** Returns the value of a string literal, a template without expressions, or a sum of these. */
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
