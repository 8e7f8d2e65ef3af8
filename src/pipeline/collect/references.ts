import type { NodePath } from '@babel/traverse'
import type { File, Node } from '@babel/types'
import { traverse } from '../../syntax/traverse.js'

/** A node after its ancestors, outermost first. */
export type AncestorPath = readonly Node[]

/** The uses of imported names in a module. */
export interface Uses {
  references: AncestorPath[]
  assignments: Node[]
}

/**
 * Classifies an identifier without resolving scopes: as a reference to an import, or as a property name.
 * That is correct only if every identifier of that name can be classified, because then nothing else
 * declares the name.
 *
 * @returns null if the identifier cannot be classified.
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

/** Finds the uses of names by resolving scopes. Distinguishes shadowed names, types and assignments. */
export function scopedUses(file: File, names: Iterable<string>): Uses {
  const uses: Uses = { references: [], assignments: [] }
  traverse(file, {
    Program(path) {
      for (const name of names) {
        const { referencePaths = [], constantViolations = [] } = path.scope.getBinding(name) ?? {}
        const values = referencePaths.filter((one) => !one.findParent((outer) => outer.isTSType()))
        uses.references.push(...values.map(ancestorPath))
        uses.assignments.push(...constantViolations.map(({ node }) => node))
      }
      path.stop()
    },
  })
  return uses
}

const ancestorPath = (path: NodePath): AncestorPath =>
  path
    .getAncestry()
    .map(({ node }) => node)
    .toReversed()
