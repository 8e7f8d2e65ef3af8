import type { NodePath } from '@babel/traverse'
import type { ImportDeclaration, Node } from '@babel/types'
import { KmsBuildError, type Place } from '../errors.js'
import { isSource, MARKS, readArguments, type Arguments, type Source } from './forms.js'
import { parse } from './parse.js'
import { traverse } from './traverse.js'

/** A mark as it stands in the source: `secret.env('STRIPE_KEY')`. Offsets are UTF-16 code units. */
export interface Mark extends Arguments {
  source: Source
  sync: boolean
  /** Whether its call may be marked pure: not if something is called on it at once. */
  pure: boolean
  start: number
  end: number
  /** Where the first argument stands, for the redacted copy. */
  argumentStart: number
  argumentEnd: number
  place: Place
}

export interface Collected {
  marks: Mark[]
  /** The marker's import declarations, which the transform replaces. */
  imports: { start: number; end: number }[]
  /** Where the first statement begins: after hashbang and directives. */
  bodyStart: number
}

const MARKERS = new Map([
  ['unplugin-kms/secret', { sync: false }],
  ['unplugin-kms/secret/sync', { sync: true }],
])

/** A module whose text lacks this has no marks and is not parsed. */
export const MARKER = 'unplugin-kms/secret'

/**
 * Finds the marks of a module by the binding of their import, so that renamed and namespace
 * imports count and shadowed names do not.
 *
 * @param file shown in errors; its extension chooses the syntax.
 * @returns null where the module does not import the marker.
 * @throws KmsBuildError MARK_AS_VALUE, MARK_UNKNOWN, ARGUMENT_NOT_STATIC, FORMAT_UNKNOWN,
 *   MARK_OPTION_INVALID, SOURCE_UNPARSABLE.
 */
export function collect(code: string, file: string): Collected | null {
  if (!code.includes(MARKER)) return null
  const ast = parse(code, file)
  const marks: Mark[] = []
  const imports: ImportDeclaration[] = []
  const placeOf = ({ loc }: Node): Place => ({
    file,
    line: loc!.start.line,
    column: loc!.start.column + 1,
  })
  const refuse = (node: Node, why: string): never => {
    throw new KmsBuildError('MARK_AS_VALUE', why, placeOf(node))
  }

  traverse(ast, {
    ImportDeclaration(path) {
      const marker = MARKERS.get(path.node.source.value)
      if (!marker || path.node.importKind === 'type') return
      imports.push(path.node)
      for (const specifier of path.node.specifiers) {
        if (specifier.type === 'ImportSpecifier') {
          if (specifier.importKind === 'type') continue
          const name =
            specifier.imported.type === 'Identifier'
              ? specifier.imported.name
              : specifier.imported.value
          if (name !== 'secret')
            refuse(specifier, `unplugin-kms/secret exports secret, not ${name}. Import { secret }.`)
        } else if (specifier.type === 'ImportDefaultSpecifier') {
          refuse(specifier, 'unplugin-kms/secret has no default export. Import { secret }.')
        }
        const namespace = specifier.type === 'ImportNamespaceSpecifier'
        const binding = path.scope.getBinding(specifier.local.name)
        for (const reference of binding?.referencePaths ?? []) {
          if (reference.findParent((parent) => parent.isTSType())) continue
          marks.push(markAt(reference, namespace, marker.sync, placeOf))
        }
        for (const violation of binding?.constantViolations ?? []) {
          refuse(violation.node, 'an import cannot be assigned to.')
        }
      }
    },
    ExportNamedDeclaration: ({ node }) => {
      if (node.source && MARKERS.has(node.source.value) && node.exportKind !== 'type')
        refuse(node, RE_EXPORT)
    },
    ExportAllDeclaration: ({ node }) => {
      if (MARKERS.has(node.source.value) && node.exportKind !== 'type') refuse(node, RE_EXPORT)
    },
    ImportExpression: ({ node }) => {
      if (isMarker(node.source)) refuse(node, STATIC_IMPORT)
    },
    TSExternalModuleReference: ({ node }) => {
      if (isMarker(node.expression)) refuse(node, STATIC_IMPORT)
    },
    CallExpression: ({ node }) => {
      if (
        node.callee.type === 'Identifier' &&
        node.callee.name === 'require' &&
        isMarker(node.arguments[0])
      ) {
        refuse(node, STATIC_IMPORT)
      }
    },
  })
  if (!imports.length) return null
  marks.sort((a, b) => a.start - b.start)
  return {
    marks,
    imports: imports.map(({ start, end }) => ({ start: start!, end: end! })),
    bodyStart: ast.program.body[0]!.start!,
  }
}

const RE_EXPORT =
  'the marker is exported again. Import it in each module that has a mark: the build must see the mark itself.'
const STATIC_IMPORT =
  "the marker is loaded dynamically. Use a static import: import { secret } from 'unplugin-kms/secret'."

const isMarker = (node: Node | null | undefined) =>
  node?.type === 'StringLiteral' && MARKERS.has(node.value)

/** Reads the mark whose binding stands at `reference`: `secret('…')`, `secret.env('…')`, `ns.secret.env('…')`. */
function markAt(
  reference: NodePath,
  namespace: boolean,
  sync: boolean,
  placeOf: (node: Node) => Place,
): Mark {
  let callee = reference
  const member = (): string | undefined => {
    const parent = callee.parentPath!
    if (!parent.isMemberExpression({ computed: false, object: callee.node })) return undefined
    callee = parent
    return (parent.node.property as { name: string }).name
  }
  const asValue = (): never => {
    throw new KmsBuildError(
      'MARK_AS_VALUE',
      "secret is used as a value. A mark is a direct call, secret('…') or secret.env('…'), which the " +
        'build can see: it cannot be passed, stored, spread or exported.',
      placeOf(reference.node),
    )
  }
  if (namespace && member() !== 'secret') asValue()
  const property = member()
  const call = callee.parentPath!
  if (!call.isCallExpression({ callee: callee.node })) {
    if (call.isTSNonNullExpression() || call.isTSAsExpression()) asValue()
    return asValue()
  }
  const place = placeOf(call.node)
  const source = property ?? 'literal'
  if (!isSource(source) || property === 'literal') {
    throw new KmsBuildError(
      'MARK_UNKNOWN',
      `secret.${property} is no mark. There are ${MARKS.join(', ')}.`,
      place,
    )
  }
  const [first] = call.node.arguments
  const read = readArguments(source, call.node.arguments, place)
  const outer = call.parentPath
  return {
    ...read,
    source,
    sync,
    pure: !(
      outer.isMemberExpression({ object: call.node }) ||
      outer.isOptionalMemberExpression({ object: call.node }) ||
      outer.isCallExpression({ callee: call.node }) ||
      outer.isTaggedTemplateExpression() ||
      outer.isTSNonNullExpression()
    ),
    start: call.node.start!,
    end: call.node.end!,
    argumentStart: first!.start!,
    argumentEnd: first!.end!,
    place,
  }
}
