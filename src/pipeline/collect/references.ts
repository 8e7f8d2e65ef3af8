import type { NodePath } from '@babel/traverse'
import type { File, Node } from '@babel/types'
import { traverse } from '../../syntax/traverse.js'

/** A node with those around it, outermost first, itself last. */
export type Way = readonly Node[]

/** What a module does with names that it imports. */
export interface Uses {
  references: Way[]
  assignments: Node[]
}

/**
 * Whether an identifier can only be a use of the module's import of that name, or no use at all,
 * provided that every other identifier of that name is such a one too: then nothing declares the
 * name anew, and no scope needs to be known. Tells `null` where that cannot be said.
 */
export function plainUse(node: Node, parent: Node): 'reference' | 'property' | null {
  if (parent.type === 'CallExpression' && parent.callee === node) return 'reference'
  if (parent.type === 'MemberExpression') {
    if (parent.object === node) return 'reference'
    return parent.computed ? null : 'property'
  }
  if ('key' in parent && parent.key === node && !('computed' in parent && parent.computed))
    return parent.type === 'ObjectProperty' && parent.shorthand ? null : 'property'
  return null
}

/** The uses by the rules of scopes: shadowed names, types and assignments told apart. */
export function scopedUses(file: File, names: Iterable<string>): Uses {
  const uses: Uses = { references: [], assignments: [] }
  traverse(file, {
    Program(path) {
      for (const name of names) {
        const { referencePaths = [], constantViolations = [] } = path.scope.getBinding(name) ?? {}
        const values = referencePaths.filter((one) => !one.findParent((outer) => outer.isTSType()))
        uses.references.push(...values.map(wayTo))
        uses.assignments.push(...constantViolations.map(({ node }) => node))
      }
      path.stop()
    },
  })
  return uses
}

const wayTo = (path: NodePath): Way =>
  path
    .getAncestry()
    .map(({ node }) => node)
    .toReversed()
