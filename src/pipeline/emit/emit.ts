import MagicString from 'magic-string'
import type { CollectedMarks, Mark } from '../collect/mark.js'
import type { SyncForm } from '../target.js'
import { mapOf, type EmittedMap } from './map.js'
import { maskOf, redact } from './redact.js'
import type { ShimCall } from './shim-call.js'
import { syncOpenings, syncValues } from './sync.js'

export type { ShimCall } from './shim-call.js'

/** A transformed module. */
export interface EmittedModule {
  code: string
  /** The redacted source, as the map shows it. */
  shown: string
  readonly map: EmittedMap
}

/** How the code of a module is emitted. */
export interface EmitOptions {
  /** Returns the specifier of one of the build's own modules. Default: its name. */
  requestOf?: ((name: string) => string) | undefined
  /** Whether the module is another plugin's output, which has a map of its own. */
  isCompiled?: boolean | undefined
  /** How synchronous marks get their values. Default: `await`. */
  sync?: SyncForm
}

/**
 * Replaces the marks by calls of the shim. The map shows the redacted source, not the original: lines are
 * exact, and columns are exact up to the first literal of a line.
 *
 */
export function emit(
  code: string,
  id: string,
  collected: CollectedMarks,
  calls: ShimCall[],
  { requestOf = (name) => name, isCompiled = false, sync = 'await' }: EmitOptions = {},
): EmittedModule {
  const { marks, imports, bodyStart, commented = [] } = collected
  const redacted = redact(code, collected)
  const { text } = redacted
  // The bundler traces a map of compiled code through the compiler's map, so its positions are exact.
  const at = isCompiled ? (offset: number) => offset : redacted.at
  const magic = new MagicString(isCompiled ? code : text)
  const replace = (start: number, end: number, content: string) => {
    magic.overwrite(at(start), at(end), content)
  }
  // Every line keeps its number, for tools that ignore maps (Bun) or drop them.
  const lines = (start: number, end: number) => code.slice(start, end).replace(/[^\n]/g, '')
  if (isCompiled)
    for (const span of commented.flatMap(({ spans }) => spans))
      replace(span.start, span.end, maskOf(code, span))
  const local = localNames(code)
  const call = (call: ShimCall) => `${local(call)}(${call.args.map(javaScript).join(', ')})`
  const synchronous: ShimCall[] = []
  const used: ShimCall[] = []

  marks.forEach((mark, index) => {
    const call = calls[index]!
    const args = call.args.map(javaScript).join(', ')
    // A line break in parentheses or brackets does not end a statement.
    const kept = lines(mark.start, mark.end)
    if (mark.sync) {
      replace(mark.start, mark.end, `${local.sync}[${synchronous.length}${kept}]`)
      synchronous.push(call)
      used.push(...syncOpenings(call, sync))
    } else {
      used.push(call)
      replace(mark.start, mark.end, `${pure(mark)}${local(call)}(${args}${kept})`)
    }
  })

  const imported = new Map(used.map((call) => [local(call), call]))
  const shim = [...imported].map(
    ([name, { from, export: exported }]) =>
      `import { ${exported} as ${name} } from '${requestOf(from)}';`,
  )
  imports.forEach(({ start, end }, index) =>
    replace(start, end, (index ? '' : shim.join(' ') || 'export {};') + lines(start, end)),
  )
  // Before the first statement, because imports may be below code that uses the values.
  if (synchronous.length) {
    const values = syncValues(synchronous, sync, call)
    magic.appendLeft(at(bodyStart!), `const ${local.sync} = ${values}; `)
  }
  return {
    code: magic.toString(),
    shown: text,
    // Created on demand: builds without maps do not need it.
    get map() {
      const map = mapOf(magic, id)
      map.sourcesContent = [text]
      return map
    },
  }
}

/** Returns a JSON value as JavaScript. `__proto__` in an object literal would set the prototype. */
export const javaScript = (value: unknown) =>
  JSON.stringify(value).replaceAll('"__proto__":', '["__proto__"]:')

const pure = ({ pure }: Mark) => (pure ? '/* @__PURE__ */ ' : '')

/** Returns local names for imports that do not occur in the module, not even with `\u` escapes. */
function localNames(code: string) {
  const text = code.replace(/\\u(?:\{([\da-f]+)\}|([\da-f]{4}))/gi, (_, braced, four) =>
    String.fromCharCode(parseInt(braced ?? four, 16)),
  )
  let prefix = 'kms'
  while (text.includes(`${prefix}_`)) prefix = `_${prefix}`
  const local = ({ from, export: exported }: ShimCall) =>
    `${prefix}_${exported}_${from.replace(/^.*\.|\W/g, '')}`
  return Object.assign(local, { sync: `${prefix}_sync` })
}
