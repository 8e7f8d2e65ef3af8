import { Buffer } from 'node:buffer'
import type { ImportDeclaration, Node } from '@babel/types'
import { SENTINEL } from '../../secret/marks.js'
import { parse } from '../../syntax/parse.js'
import { staticText } from '../../syntax/static-value.js'
import { traverse } from '../../syntax/traverse.js'
import { DECLARATION } from '../../util/declaration-file.js'
import { MARKER } from '../collect/mark.js'
import { OWN } from '../emit/shim.js'
import { isMap } from './scrub.js'

/**
 * Any way of asking for the marker or the shim has its name in a string, whole or in a sum. The shim
 * itself has a symbol of that name, and is in most outputs: a parse of 1.4 MB takes 4 s.
 */
const QUOTED =
  /["'`](?:unplugin-kms(?:\/(?:dist\/)?secret|(?<!\bSymbol\.for\(\s*["'`]unplugin-kms)["'`])|@unplugin-kms\/runtime\/(?:shim|sync)|\.\/unplugin-kms\.(?:shim|sync|pair|blocking))/

/** Returns whether only a parse can tell if code asks for the marker or the shim. */
export const mentionsMarker = (code: string): boolean => QUOTED.test(code)
const MENTION =
  /(?:\bfrom|\bimport|\bimport\s*\(|require\w*\s*\()\s*(?:\\?["'`])(?:unplugin-kms\/secret|@unplugin-kms\/runtime\/(?:shim|sync)|\.\/unplugin-kms\.(?:shim|sync|pair|blocking))/

const RUNTIME = /^@unplugin-kms\/runtime\/(?:shim|sync)$/

/** What webpack and Rspack put in place of an import of the marker that they could not resolve. */
const UNFOUND = `Cannot find module '${MARKER}`

/** A mark in the code, the source of a marked module as a text, or an import of the shim. */
export type Residue = 'mark' | 'text' | 'shim'

/** Returns whether some code may contain residue. Only all of it can tell. */
export const mayBeResidue = (code: string): boolean =>
  code.includes(SENTINEL) ||
  code.includes(UNFOUND) ||
  mentionsMarker(code) ||
  IN_BASE64.some((digits) => code.includes(digits))

/**
 * What shows that a mark was bundled untransformed (the plugin never saw its module: a worker's
 * own build, another plugin that loaded it first), or that the shim was left outside the bundle.
 */
export function residue(content: string | Buffer, name: string): Residue | null {
  if (content.includes(SENTINEL) || content.includes(UNFOUND)) return 'mark'
  const text = content.toString()
  // A map may show a mark's own line: its literal is redacted there.
  if (isMap(text) || DECLARATION.test(name)) return null
  // Most often a comment that mentions an import: only a parse can tell.
  const code = mentionsMarker(text)
    ? read(text, name)
    : { imports: [], given: [], texts: [], isMarkerOfRoot: false }
  if (code ? asks(code) : MENTION.test(text)) return 'mark'
  const { imports, texts } = code ?? { imports: [], texts: [] }
  if (imports.some((source) => source.startsWith(OWN) || RUNTIME.test(source))) return 'shim'
  return [...texts, ...base64Texts(text)].some(asksForMarker) ? 'text' : null
}

/** A name that is merely mentioned, in a list or an object, asks for nothing. */
const asks = ({ imports, given, isMarkerOfRoot }: Read) =>
  isMarkerOfRoot || [...imports, ...given].some((text) => SPECIFIER.test(text))

/** Every way to name the marker, also by a file of the package, which its exports do not have. */
const SPECIFIER = /^unplugin-kms\/(?:dist\/)?secret(?:$|[./])/
/** The package itself exports no marks, and so an import of `secret` from it is a mistake. */
const ROOT = /^unplugin-kms(?:\/index\.js|\/dist\/index\.js)?$/

function asksForMarker(source: string): boolean {
  if (!mentionsMarker(source)) return false
  const code = read(source, 'text.ts') ?? read(source, 'text.tsx')
  return code ? asks(code) : MENTION.test(source)
}

/** The marker's name in base64, from each of three offsets, without the digits that depend on what is around it. */
const IN_BASE64 = [0, 1, 2].map((before) =>
  Buffer.from(' '.repeat(before) + MARKER)
    .toString('base64')
    .slice(Math.ceil((before * 8) / 6), Math.floor(((before + MARKER.length) * 8) / 6)),
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

interface Read {
  /** What is imported or required. */
  imports: string[]
  /** What is given to a call or a variable. */
  given: string[]
  /** Every string. */
  texts: string[]
  /** Whether `secret` is imported from the package itself. */
  isMarkerOfRoot: boolean
}

function read(code: string, name: string): Read | null {
  try {
    const [imports, given, texts]: [string[], string[], string[]] = [[], [], []]
    let isMarkerOfRoot = false
    const add = (to: string[], ...nodes: (Node | null | undefined)[]) =>
      void to.push(...nodes.flatMap((node) => (node && staticText(node)) ?? []))
    traverse(parse(code, name), {
      ImportDeclaration: ({ node }) => {
        add(imports, node.source)
        isMarkerOfRoot ||= ROOT.test(node.source.value) && node.specifiers.some(importsSecret)
      },
      ExportNamedDeclaration: ({ node }) => add(imports, node.source),
      ExportAllDeclaration: ({ node }) => add(imports, node.source),
      ImportExpression: ({ node }) => add(imports, node.source),
      CallExpression: ({ node }) => {
        // Bundlers rename require (__require, _require): whatever is called with our name counts.
        if (node.callee.type === 'Identifier' && /require/i.test(node.callee.name))
          add(imports, node.arguments[0])
        add(given, ...node.arguments)
      },
      VariableDeclarator: ({ node }) => add(given, node.init),
      AssignmentExpression: ({ node }) => add(given, node.right),
      StringLiteral: ({ node }) => void texts.push(node.value),
      TemplateElement: ({ node }) => void texts.push(node.value.cooked ?? ''),
    })
    return { imports, given, texts, isMarkerOfRoot }
  } catch {
    return null
  }
}

const importsSecret = (specifier: ImportDeclaration['specifiers'][number]) =>
  specifier.type === 'ImportSpecifier' &&
  (specifier.imported.type === 'Identifier'
    ? specifier.imported.name
    : specifier.imported.value) === 'secret'
