import { Buffer } from 'node:buffer'
import type { Node } from '@babel/types'
import { parse } from '../collect/parse.js'
import { traverse } from '../collect/traverse.js'
import { VIRTUAL } from '../emit/shim.js'
import { SENTINEL } from '../mark/marks.js'
import { encodings } from './encodings.js'

const MARKERS = ['unplugin-kms/secret', 'unplugin-kms/secret/sync']
const MENTION =
  /(?:\bfrom|\bimport|\bimport\s*\(|require\w*\s*\()\s*(?:\\?["'`])(?:unplugin-kms\/secret|@unplugin-kms\/runtime\/shim|\.\/unplugin-kms\.(?:shim|pair))/

/** A mark in the code, the source of a marked module as a text, or an import of the shim. */
export type Residue = 'mark' | 'text' | 'shim'

/**
 * What shows that a mark was bundled untransformed (the plugin never saw its module: a worker's
 * own build, another plugin that loaded it first), or that the shim was left outside the bundle.
 */
export function residue(content: string | Buffer, name: string): Residue | null {
  if (content.includes(SENTINEL)) return 'mark'
  // A map may show a mark's own line: its literal is redacted there.
  if (name.endsWith('.map')) return null
  const text = content.toString()
  // Most often a comment that mentions an import: only a parse can tell.
  const { imports, texts } = MENTION.test(text)
    ? (importsOf(text, name) ?? { imports: MARKERS, texts: [] })
    : { imports: [], texts: [] }
  if (imports.some((source) => MARKERS.includes(source))) return 'mark'
  if (imports.some((source) => VIRTUAL.test(source) || source === '@unplugin-kms/runtime/shim'))
    return 'shim'
  return [...texts, ...base64Texts(text)].some(importsMarker) ? 'text' : null
}

function importsMarker(source: string): boolean {
  if (!MENTION.test(source)) return false
  const { imports } = importsOf(source, 'text.ts') ??
    importsOf(source, 'text.tsx') ?? { imports: MARKERS }
  return imports.some((imported) => MARKERS.includes(imported))
}

const IN_BASE64 = encodings(Buffer.from('unplugin-kms/secret')).flatMap(({ encoding, bytes }) =>
  encoding.startsWith('base64') ? Buffer.from(bytes).toString() : [],
)
const INLINE_MAP = /sourceMappingURL=data:[^,]*,$/

/** What base64 that names the marker says: a small file as a data URL, a loader that gives bytes. */
function* base64Texts(text: string): Generator<string> {
  for (const pattern of IN_BASE64) {
    for (let end = 0, at; (at = text.indexOf(pattern, end)) !== -1;) {
      let start = at
      while (/[\w+/-]/.test(text[start - 1] ?? '')) start--
      for (end = at; /[\w+/-]/.test(text[end] ?? '');) end++
      if (INLINE_MAP.test(text.slice(Math.max(0, start - 100), start))) continue
      yield Buffer.from(text.slice(start, end), 'base64').toString('utf8')
    }
  }
}

function importsOf(code: string, name: string): { imports: string[]; texts: string[] } | null {
  try {
    const imports: string[] = []
    const texts: string[] = []
    const add = (node: Node | null | undefined) => {
      if (node?.type === 'StringLiteral') imports.push(node.value)
      else if (node?.type === 'TemplateLiteral') imports.push(node.quasis[0]!.value.cooked ?? '')
    }
    traverse(parse(code, name), {
      ImportDeclaration: ({ node }) => add(node.source),
      ExportNamedDeclaration: ({ node }) => add(node.source),
      ExportAllDeclaration: ({ node }) => add(node.source),
      ImportExpression: ({ node }) => add(node.source),
      CallExpression: ({ node }) => {
        // Bundlers rename require (__require, _require): whatever is called with our name counts.
        if (node.callee.type === 'Identifier' && /require/i.test(node.callee.name))
          add(node.arguments[0])
      },
      StringLiteral: ({ node }) => void texts.push(node.value),
      TemplateElement: ({ node }) => void texts.push(node.value.cooked ?? ''),
    })
    return { imports, texts }
  } catch {
    return null
  }
}
