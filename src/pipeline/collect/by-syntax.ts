import type { CallExpression, ImportDeclaration, Node, StringLiteral } from '@babel/types'
import { KmsBuildError, type Place } from '../../errors.js'
import { parse } from '../../syntax/parse.js'
import { walk } from '../../syntax/traverse.js'
import { MARKER, MARKERS, type CollectedMarks } from './mark.js'
import { AS_VALUE, markAt, type Binding } from './mark-at.js'
import { staticText } from '../../syntax/static-value.js'
import { plainUse, scopedUses, type AncestorPath } from './references.js'

/**
 * Finds the marks of a module in its syntax tree.
 *
 * @param compiled set for compiled code, which may require the marker, as compilers to CommonJS do.
 *   For a dev server it may also contain accessors that only return the marker, as Vue's compiler writes
 *   them.
 * @returns null if the module does not import the marker.
 * @throws KmsBuildError the errors of `collect`.
 */
export function collectBySyntax(
  code: string,
  file: string,
  compiled?: 'build' | 'serve',
): CollectedMarks | null {
  const ast = parse(code, file)
  const { body } = ast.program
  const placeOf = ({ loc }: Node): Place => ({
    file,
    line: loc!.start.line,
    column: loc!.start.column + 1,
  })
  const refuse = (node: Node, why: string): never => {
    throw new KmsBuildError('MARK_AS_VALUE', why, placeOf(node))
  }

  const imports = body.filter(isMarkerImport)
  const bindings = bindingsOf(imports, refuse)
  const requires = compiled ? body.flatMap(requiresIn) : []
  for (const { local, source } of requires) {
    const { sync } = MARKERS.get(source.value)!
    bindings.set(local, { namespace: true, sync })
  }
  let references = [] as AncestorPath[] | null
  walk(ast.program, mentions(code, [MARKER, ...bindings.keys()]), (node, ancestors) => {
    const why = refusal(node)
    if (why && !requires.some(({ call }) => call === node)) refuse(node, why)
    if (node.type !== 'Identifier' && node.type !== 'JSXIdentifier') return
    if (!bindings.has(node.name)) return
    if (imports.includes(ancestors[1] as ImportDeclaration)) return
    const parent = ancestors.at(-1)!
    // Babel does not treat an alias of TypeScript as a reference.
    if (parent.type === 'TSImportEqualsDeclaration' && parent.moduleReference === node)
      refuse(node, AS_VALUE)
    const use = plainUse(node, parent)
    if (!use) references = null
    else if (use === 'reference') references?.push([...ancestors, node])
  })
  if (!imports.length && !requires.length) return null
  if (compiled && passesMarkerElsewhere(ast.program, requires)) return null
  if (!references) {
    const uses = scopedUses(ast, bindings.keys())
    references = uses.references
    for (const node of uses.assignments) refuse(node, 'an import cannot be assigned to.')
  }
  if (compiled === 'serve') references = references.filter((path) => !isReturnedByAccessor(path))
  const marks = references.map((path) => {
    const { name } = path.at(-1) as { name: string }
    return markAt(path, bindings.get(name)!, placeOf, compiled !== undefined)
  })
  return {
    marks: marks.sort((a, b) => a.start - b.start),
    imports: imports.map(({ start, end }) => ({ start: start!, end: end! })),
    bodyStart: body[0]!.start!,
  }
}

/**
 * Returns a function that returns whether a node may mention one of the names, to skip other nodes. In
 * code with a `\u` escape every node may, because escapes may spell identifiers.
 */
function mentions(code: string, names: string[]): (node: Node) => boolean {
  if (code.includes('\\u')) return () => true
  const offsets = names.flatMap((name) => {
    const found: number[] = []
    for (let at = code.indexOf(name); at !== -1; at = code.indexOf(name, at + 1)) found.push(at)
    return found
  })
  return (node) =>
    // The offsets of a node do not include its decorators.
    'decorators' in node ||
    node.type.startsWith('Export') ||
    offsets.some((offset) => node.start! <= offset && offset < node.end!)
}

/**
 * Returns whether a module passes the marker's name to another call or a dynamic import, whose use of it
 * is unknown: `import(\`unplugin-kms/secret\`)`.
 */
function passesMarkerElsewhere(program: Node, requires: { call: CallExpression }[]): boolean {
  let isPassed = false
  const names = (node: Node | null | undefined) => MARKERS.has((node && staticText(node)) ?? '')
  walk(
    program,
    () => true,
    (node) => {
      if (node.type === 'ImportExpression') isPassed ||= names(node.source)
      if (node.type === 'CallExpression' || node.type === 'NewExpression')
        isPassed ||= !requires.some(({ call }) => call === node) && node.arguments.some(names)
    },
  )
  return isPassed
}

/** Returns whether a reference is the only content of an accessor: `get secret() { return secret }`. */
function isReturnedByAccessor(path: AncestorPath): boolean {
  const [method, body, statement] = path.slice(-4)
  return (
    method?.type === 'ObjectMethod' &&
    method.kind === 'get' &&
    body?.type === 'BlockStatement' &&
    body.body.length === 1 &&
    statement?.type === 'ReturnStatement'
  )
}

/** Returns the variables of a statement that are initialized with the required marker. */
function requiresIn(node: Node) {
  if (node.type !== 'VariableDeclaration') return []
  return node.declarations.flatMap(({ id, init }) => {
    const call = requireIn(init)
    return id.type === 'Identifier' && call
      ? [{ local: id.name, call, source: call.arguments[0] as StringLiteral }]
      : []
  })
}

/** Returns the call that requires the marker: `require('…')`, or `interop(require('…'))`. */
function requireIn(node: Node | null | undefined): CallExpression | undefined {
  if (node?.type !== 'CallExpression' || node.callee.type !== 'Identifier') return undefined
  const [first] = node.arguments
  if (node.callee.name === 'require') return isMarker(first) ? node : undefined
  return requireIn(first)
}

const isMarkerImport = (node: Node): node is ImportDeclaration =>
  node.type === 'ImportDeclaration' && node.importKind !== 'type' && isMarker(node.source)

function bindingsOf(imports: ImportDeclaration[], refuse: (node: Node, why: string) => never) {
  const bindings = new Map<string, Binding>()
  for (const { specifiers, source } of imports) {
    const { sync } = MARKERS.get(source.value)!
    for (const specifier of specifiers) {
      if (specifier.type === 'ImportSpecifier') {
        if (specifier.importKind === 'type') continue
        const { imported } = specifier
        const name = imported.type === 'Identifier' ? imported.name : imported.value
        if (name !== 'secret')
          refuse(specifier, `unplugin-kms/secret exports secret, not ${name}. Import { secret }.`)
      } else if (specifier.type === 'ImportDefaultSpecifier') {
        refuse(specifier, 'unplugin-kms/secret has no default export. Import { secret }.')
      }
      const namespace = specifier.type === 'ImportNamespaceSpecifier'
      bindings.set(specifier.local.name, { namespace, sync })
    }
  }
  return bindings
}

const RE_EXPORT = 'the marker is re-exported. Import it in each module that has a mark.'
const STATIC_IMPORT =
  "the marker is loaded dynamically. Use a static import: import { secret } from 'unplugin-kms/secret'."

/** Returns why a node may not import or export the marker, if it does. */
function refusal(node: Node): string | null {
  switch (node.type) {
    case 'ExportNamedDeclaration':
    case 'ExportAllDeclaration':
      return isMarker(node.source) && node.exportKind !== 'type' ? RE_EXPORT : null
    case 'ImportExpression':
      return isMarker(node.source) ? STATIC_IMPORT : null
    case 'TSExternalModuleReference':
      return isMarker(node.expression) ? STATIC_IMPORT : null
    case 'CallExpression': {
      const required = node.callee.type === 'Identifier' && node.callee.name === 'require'
      return required && isMarker(node.arguments[0]) ? STATIC_IMPORT : null
    }
    default:
      return null
  }
}

const isMarker = (node: Node | null | undefined) =>
  node?.type === 'StringLiteral' && MARKERS.has(node.value)
