import type { Node } from '@babel/types'
import { KmsBuildError, type Place } from '../../errors.js'
import { isSource, MARKS, readArguments } from './forms.js'
import type { Mark } from './mark.js'
import type { AncestorPath } from './references.js'

/** A local name of the marker in a module. */
export interface Binding {
  /** Whether the name is `ns` of `ns.secret`. */
  namespace: boolean
  sync: boolean
}

export const AS_VALUE =
  "secret is used as a value. A mark is a direct call, secret('…') or secret.env('…'): " +
  'secret cannot be passed, stored, spread or exported.'

/**
 * Reads the mark at a reference to the marker: `secret('…')`, `secret.env('…')`, `ns.secret.env('…')`.
 *
 * @throws KmsBuildError MARK_AS_VALUE, MARK_UNKNOWN, and the errors of `readArguments`.
 */
export function markAt(
  path: AncestorPath,
  { namespace, sync }: Binding,
  placeOf: (node: Node) => Place,
  isCompiled: boolean,
): Mark {
  let depth = path.length - 1
  const parent = () => path[depth - 1]!
  const member = (): string | undefined => {
    const outer = parent()
    if (outer.type !== 'MemberExpression' || outer.computed || outer.object !== path[depth])
      return undefined
    depth--
    return (outer.property as { name: string }).name
  }
  const asValue = (): never => {
    throw new KmsBuildError('MARK_AS_VALUE', AS_VALUE, placeOf(path.at(-1)!))
  }
  if (namespace && member() !== 'secret') asValue()
  const property = member()
  // Compilers write `(0, a.secret)('…')`, so that `a` is not passed as `this`.
  const outer = parent()
  if (isCompiled && outer.type === 'SequenceExpression' && outer.expressions[1] === path[depth])
    depth--
  const call = parent()
  if (call.type !== 'CallExpression' || call.callee !== path[depth]) return asValue()
  const place = placeOf(call)
  const source = property ?? 'literal'
  if (!isSource(source) || property === 'literal') {
    throw new KmsBuildError(
      'MARK_UNKNOWN',
      `secret.${property} is not a mark. The marks are ${MARKS.join(', ')}.`,
      place,
    )
  }
  const [first] = call.arguments
  const read = readArguments(source, call.arguments, place)
  return {
    ...read,
    source,
    sync,
    pure: !isUsedDirectly(call, path[depth - 2]!),
    start: call.start!,
    end: call.end!,
    argumentStart: first!.start!,
    argumentEnd: first!.end!,
    place,
  }
}

/** Returns whether a call's result is used in the same expression: called, read or asserted. */
const isUsedDirectly = (call: Node, outer: Node) =>
  ((outer.type === 'MemberExpression' || outer.type === 'OptionalMemberExpression') &&
    outer.object === call) ||
  ((outer.type === 'CallExpression' || outer.type === 'OptionalCallExpression') &&
    outer.callee === call) ||
  outer.type === 'TaggedTemplateExpression' ||
  outer.type === 'TSNonNullExpression'
