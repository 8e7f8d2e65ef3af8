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
 * Every import of the marker or the shim has its name in a string, completely or in a sum. The shim itself
 * contains a symbol of that name and is in most outputs, which must not be parsed: 1.4 MB take 4 s.
 */
const QUOTED =
  /["'`](?:unplugin-kms(?:\/(?:dist\/)?secret|(?<!\bSymbol\.for\(\s*["'`]unplugin-kms)["'`])|@unplugin-kms\/runtime\/(?:shim|sync)|\.\/unplugin-kms\.(?:shim|sync|pair|blocking))/

/** Returns whether code must be parsed to find out if it imports the marker or the shim. */
export const mentionsMarker = (code: string): boolean => QUOTED.test(code)
const MENTION =
  /(?:\bfrom|\bimport|\bimport\s*\(|require\w*\s*\()\s*(?:\\?["'`])(?:unplugin-kms\/secret|@unplugin-kms\/runtime\/(?:shim|sync)|\.\/unplugin-kms\.(?:shim|sync|pair|blocking))/

const RUNTIME = /^@unplugin-kms\/runtime\/(?:shim|sync)$/

/** The message that webpack and Rspack emit for an unresolved import of the marker. */
const UNRESOLVED = `Cannot find module '${MARKER}`

/** A mark in the code, the source of a module with marks as a string, or an import of the shim. */
export type Residue = 'mark' | 'text' | 'shim'

/** Returns whether some code may contain residue. Only all of it can tell. */
export const mayBeResidue = (code: string): boolean =>
  code.includes(SENTINEL) ||
  code.includes(UNRESOLVED) ||
  mentionsMarker(code) ||
  IN_BASE64.some((digits) => code.includes(digits))

/**
 * Returns the sign of an untransformed mark (of a module that the plugin did not transform, because of a
 * worker's own build or another plugin that loaded it first), or of an external shim.
 */
export function residue(content: string | Buffer, name: string): Residue | null {
  if (content.includes(SENTINEL) || content.includes(UNRESOLVED)) return 'mark'
  const text = content.toString()
  // A map may contain the line of a mark, with a redacted literal.
  if (isMap(text) || DECLARATION.test(name)) return null
  // Most often a comment that mentions an import. Parsing finds out.
  const code = mentionsMarker(text)
    ? read(text, name)
    : { imports: [], given: [], texts: [], isMarkerOfRoot: false }
  if (code ? asks(code) : MENTION.test(text)) return 'mark'
  const { imports, texts } = code ?? { imports: [], texts: [] }
  if (imports.some((source) => source.startsWith(OWN) || RUNTIME.test(source))) return 'shim'
  return [...texts, ...base64Texts(text)].some(asksForMarker) ? 'text' : null
}

/** Returns whether code imports the marker. A name in a list or an object does not import. */
const asks = ({ imports, given, isMarkerOfRoot }: Read) =>
  isMarkerOfRoot || [...imports, ...given].some((text) => SPECIFIER.test(text))

/** Matches every specifier of the marker, also of a file of the package that is not exported. */
const SPECIFIER = /^unplugin-kms\/(?:dist\/)?secret(?:$|[./])/
/** Matches the package itself, which exports no marks: importing `secret` from it is a mistake. */
const ROOT = /^unplugin-kms(?:\/index\.js|\/dist\/index\.js)?$/

function asksForMarker(source: string): boolean {
  if (!mentionsMarker(source)) return false
  const code = read(source, 'text.ts') ?? read(source, 'text.tsx')
  return code ? asks(code) : MENTION.test(source)
}

/** The marker's name in base64 at its three offsets, without the digits that depend on neighbouring bytes. */
const IN_BASE64 = [0, 1, 2].map((before) =>
  Buffer.from(' '.repeat(before) + MARKER)
    .toString('base64')
    .slice(Math.ceil((before * 8) / 6), Math.floor(((before + MARKER.length) * 8) / 6)),
)
const INLINE_MAP = /sourceMappingURL=data:[^,]*,$/

/** Finds marks in base64 that contains the marker: a small file as a data URL, a loader that returns bytes. */
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
  /** Specifiers that are imported or required. */
  imports: string[]
  /** Strings that are passed to a call or assigned to a variable. */
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
        // Bundlers rename require (__require, _require), so every call with our name counts.
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
