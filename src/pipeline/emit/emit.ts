import MagicString from 'magic-string'
import type { Collected, Mark } from '../collect/mark.js'
import type { SyncForm } from '../target.js'
import { maskOf, redact } from './redact.js'
import type { Opening } from './opening.js'
import { syncOpenings, syncValues } from './sync.js'

export type { Opening } from './opening.js'

/** A source map as magic-string makes it, whose types are not published. */
export interface EmittedMap {
  version: number
  file: string | undefined
  sources: string[]
  sourcesContent: (string | null)[] | undefined
  names: string[]
  mappings: string
  toString(): string
  toUrl(): string
}

/** A transformed module. */
export interface Emitted {
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
 * Puts the openings where the marks stood. The map shows the redacted source, not the original:
 * it leads to the right line, and to the right column unless a literal stands before it there.
 *
 */
export function emit(
  code: string,
  id: string,
  collected: Collected,
  openings: Opening[],
  { requestOf = (name) => name, isCompiled = false, sync = 'await' }: EmitOptions = {},
): Emitted {
  const { marks, imports, bodyStart, commented = [] } = collected
  const redacted = redact(code, collected)
  const { text } = redacted
  // A map of compiled code is traced through the compiler's: its positions are those of the code.
  const at = isCompiled ? (offset: number) => offset : redacted.at
  const magic = new MagicString(isCompiled ? code : text)
  const replace = (start: number, end: number, content: string) => {
    magic.overwrite(at(start), at(end), content)
  }
  // Every line stays where it was, for tools that read no maps (Bun) or drop them.
  const lines = (start: number, end: number) => code.slice(start, end).replace(/[^\n]/g, '')
  if (isCompiled)
    for (const span of commented.flatMap(({ spans }) => spans))
      replace(span.start, span.end, maskOf(code, span))
  const local = localNames(code)
  const call = (opening: Opening) => `${local(opening)}(${opening.args.map(javaScript).join(', ')})`
  const synchronous: Opening[] = []
  const used: Opening[] = []

  marks.forEach((mark, index) => {
    const opening = openings[index]!
    const args = opening.args.map(javaScript).join(', ')
    // Between parentheses or brackets a line break ends no statement.
    const kept = lines(mark.start, mark.end)
    if (mark.sync) {
      replace(mark.start, mark.end, `${local.sync}[${synchronous.length}${kept}]`)
      synchronous.push(opening)
      used.push(...syncOpenings(opening, sync))
    } else {
      used.push(opening)
      replace(mark.start, mark.end, `${pure(mark)}${local(opening)}(${args}${kept})`)
    }
  })

  const imported = new Map(used.map((opening) => [local(opening), opening]))
  const shim = [...imported].map(
    ([name, { from, export: exported }]) =>
      `import { ${exported} as ${name} } from '${requestOf(from)}';`,
  )
  imports.forEach(({ start, end }, index) =>
    replace(start, end, (index ? '' : shim.join(' ') || 'export {};') + lines(start, end)),
  )
  // Before the first statement, since imports may stand below code that uses the values.
  if (synchronous.length) {
    const values = syncValues(synchronous, sync, call)
    magic.appendLeft(at(bodyStart!), `const ${local.sync} = ${values}; `)
  }
  return {
    code: magic.toString(),
    shown: text,
    // Made when it is asked for: a build without maps does not pay for it.
    get map() {
      const map = magic.generateMap({ source: id, includeContent: true, hires: 'boundary' })
      map.sourcesContent = [text]
      return map
    },
  }
}

/** A value of JSON. In its own words the name `__proto__` would be none, but set the prototype. */
export const javaScript = (value: unknown) =>
  JSON.stringify(value).replaceAll('"__proto__":', '["__proto__"]:')

const pure = ({ pure }: Mark) => (pure ? '/* @__PURE__ */ ' : '')

/** Names for what we import that stand nowhere in the module, nor with letters escaped. */
function localNames(code: string) {
  const text = code.replace(/\\u(?:\{([\da-f]+)\}|([\da-f]{4}))/gi, (_, braced, four) =>
    String.fromCharCode(parseInt(braced ?? four, 16)),
  )
  let prefix = 'kms'
  while (text.includes(`${prefix}_`)) prefix = `_${prefix}`
  const local = ({ from, export: exported }: Opening) =>
    `${prefix}_${exported}_${from.replace(/^.*\.|\W/g, '')}`
  return Object.assign(local, { sync: `${prefix}_sync` })
}
