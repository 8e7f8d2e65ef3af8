import { createRequire } from 'node:module'
import type { TraverseOptions } from '@babel/traverse'
import type { Node } from '@babel/types'

const require = createRequire(import.meta.url)

/** Babel's traverse, which knows scopes; it is loaded by the few modules that need them. */
export function traverse(root: Node, visitor: TraverseOptions): void {
  ;(require('@babel/traverse') as typeof import('@babel/traverse')).default(root, visitor)
}

/**
 * Calls back for every node that is worth it, a parent before its children, with those around it,
 * outermost first. What is not worth it is left with all that is in it.
 */
export function walk(
  root: Node,
  isWorthIt: (node: Node) => boolean,
  visit: (node: Node, around: readonly Node[]) => void,
): void {
  const around: Node[] = []
  const enter = (node: Node) => {
    if (!isWorthIt(node)) return
    visit(node, around)
    around.push(node)
    for (const key of Object.keys(node)) {
      const value = node[key as keyof Node] as unknown
      if (Array.isArray(value)) {
        for (const child of value) if (isNode(child)) enter(child)
      } else if (isNode(value)) enter(value)
    }
    around.pop()
  }
  enter(root)
}

const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && 'type' in value && 'start' in value
