import type { Node } from '@babel/types'
import { parse } from '../collect/parse.js'
import { traverse } from '../collect/traverse.js'
import { SHIM } from '../emit/shim.js'
import { SENTINEL } from '../mark/marks.js'

const MARKERS = ['unplugin-kms/secret', 'unplugin-kms/secret/sync']
const SHIMS = [SHIM, '@unplugin-kms/runtime/shim']
const MENTION = /(?:\bfrom|\bimport|\bimport\s*\(|\brequire\s*\()\s*["'`](?:unplugin-kms\/secret|@unplugin-kms\/runtime\/shim|\.\/unplugin-kms\.shim)/

export type Residue = 'mark' | 'shim'

/**
 * What shows that a mark was bundled untransformed (the plugin never saw its module: a worker's
 * own build, another plugin that loaded it first), or that the shim was left outside the bundle.
 */
export function residue(text: string, name: string): Residue | null {
  if (text.includes(SENTINEL)) return 'mark'
  if (name.endsWith('.map') || !MENTION.test(text)) return null
  // Most often a comment that mentions an import: only a parse can tell.
  const imported = importsOf(text, name)
  if (!imported) return 'mark'
  if (imported.some((source) => MARKERS.includes(source))) return 'mark'
  return imported.some((source) => SHIMS.includes(source)) ? 'shim' : null
}

function importsOf(code: string, name: string): string[] | null {
  try {
    const sources: string[] = []
    const add = (node: Node | null | undefined) => {
      if (node?.type === 'StringLiteral') sources.push(node.value)
      else if (node?.type === 'TemplateLiteral') sources.push(node.quasis[0]!.value.cooked ?? '')
    }
    traverse(parse(code, name), {
      ImportDeclaration: ({ node }) => add(node.source),
      ExportNamedDeclaration: ({ node }) => add(node.source),
      ExportAllDeclaration: ({ node }) => add(node.source),
      ImportExpression: ({ node }) => add(node.source),
      CallExpression: ({ node }) => {
        // Bundlers rename require (__require, _require): whatever is called with our name counts.
        if (node.callee.type === 'Identifier' && /require/i.test(node.callee.name)) add(node.arguments[0] as Node)
      },
    })
    return sources
  } catch {
    return null
  }
}
