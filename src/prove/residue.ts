import { Buffer } from 'node:buffer'
import type { Node } from '@babel/types'
import { DECLARATION } from '../collect/declaration.js'
import { parse } from '../collect/parse.js'
import { staticText } from '../collect/static-value.js'
import { traverse } from '../collect/traverse.js'
import { VIRTUAL } from '../emit/shim.js'
import { SENTINEL } from '../mark/marks.js'
import { encodings } from './encodings.js'
import { isMap } from './scrub.js'

const MARKERS = ['unplugin-kms/secret', 'unplugin-kms/secret/sync']
/** Any way of asking for the marker or the shim has its name in a string, whole or in a sum. */
const QUOTED =
  /["'`](?:unplugin-kms(?:\/secret|["'`]\s*\+)|@unplugin-kms\/runtime\/shim|\.\/unplugin-kms\.(?:shim|pair))/
const MENTION =
  /(?:\bfrom|\bimport|\bimport\s*\(|require\w*\s*\()\s*(?:\\?["'`])(?:unplugin-kms\/secret|@unplugin-kms\/runtime\/shim|\.\/unplugin-kms\.(?:shim|pair))/

/** A mark in the code, the source of a marked module as a text, or an import of the shim. */
export type Residue = 'mark' | 'text' | 'shim'

/**
 * What shows that a mark was bundled untransformed (the plugin never saw its module: a worker's
 * own build, another plugin that loaded it first), or that the shim was left outside the bundle.
 */
export function residue(text: string, name: string): Residue | null {
  if (text.includes(SENTINEL)) return 'mark'
  // A map may show a mark's own line: its literal is redacted there.
  if (isMap(text, name) || DECLARATION.test(name)) return null
  // Most often a comment that mentions an import: only a parse can tell.
  const { imports, texts } = QUOTED.test(text)
    ? (importsOf(text, name) ?? { imports: MENTION.test(text) ? MARKERS : [], texts: [] })
    : { imports: [], texts: [] }
  if ([...imports, ...texts].some(isMarker)) return 'mark'
  if (imports.some((source) => VIRTUAL.test(source) || source === '@unplugin-kms/runtime/shim'))
    return 'shim'
  return [...texts, ...base64Texts(text)].some(asksForMarker) ? 'text' : null
}

const isMarker = (text: string) => MARKERS.includes(text)

function asksForMarker(source: string): boolean {
  if (!QUOTED.test(source)) return false
  const read = importsOf(source, 'text.ts') ?? importsOf(source, 'text.tsx')
  return read ? [...read.imports, ...read.texts].some(isMarker) : MENTION.test(source)
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
      // Whatever is called with them: require by another name, import() of a variable.
      StringLiteral: ({ node }) => void texts.push(node.value),
      TemplateElement: ({ node }) => void texts.push(node.value.cooked ?? ''),
      BinaryExpression: ({ node }) => void texts.push(staticText(node) ?? ''),
    })
    return { imports, texts }
  } catch {
    return null
  }
}
