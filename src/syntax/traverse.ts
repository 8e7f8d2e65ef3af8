import { createRequire } from 'node:module'
import type { TraverseOptions } from '@babel/traverse'
import type { Node } from '@babel/types'

const require = createRequire(import.meta.url)

/** Traverses with Babel, which resolves scopes. Loaded at the first call. */
export function traverse(root: Node, visitor: TraverseOptions): void {
  ;(require('@babel/traverse') as typeof import('@babel/traverse')).default(root, visitor)
}

/**
 * Visits a syntax tree, parents before children.
 *
 * @param isRelevant returns whether to visit a node. If not, its descendants are skipped too.
 * @param visit called with a node and its ancestors, outermost first.
 */
export function walk(
  root: Node,
  isRelevant: (node: Node) => boolean,
  visit: (node: Node, ancestors: readonly Node[]) => void,
): void {
  const ancestors: Node[] = []
  const enter = (node: Node) => {
    if (!isRelevant(node)) return
    visit(node, ancestors)
    ancestors.push(node)
    for (const key of Object.keys(node)) {
      const value = node[key as keyof Node] as unknown
      if (Array.isArray(value)) {
        for (const child of value) if (isNode(child)) enter(child)
      } else if (isNode(value)) enter(value)
    }
    ancestors.pop()
  }
  enter(root)
}

const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && 'type' in value && 'start' in value
