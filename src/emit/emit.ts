import MagicString from 'magic-string'
import type { Collected, Mark } from '../collect/collect.js'
import { redact } from './redact.js'
import { SHIM } from './shim.js'

/** What a mark becomes: a call of one of the shim module's exports. */
export interface Opening {
  /** The export: a data key pair's `p_<fingerprint>`. */
  open: string
  /** Its arguments, JSON values. */
  args: unknown[]
}

/**
 * Puts the openings where the marks stood. The map shows the redacted source, not the original:
 * it leads to the right line, and to the right column unless a literal stands before it there.
 */
export function emit(code: string, id: string, { marks, imports, bodyStart }: Collected, openings: Opening[]) {
  const { text, at } = redact(code, marks)
  const magic = new MagicString(text)
  const replace = (start: number, end: number, content: string) => {
    magic.overwrite(at(start), at(end), content)
  }
  const local = localNames(code)
  const awaited: string[] = []

  marks.forEach((mark, index) => {
    const { open, args } = openings[index]!
    const call = `${local(open)}(${args.map((arg) => JSON.stringify(arg)).join(', ')})`
    if (mark.sync) awaited.push(call)
    replace(mark.start, mark.end, mark.sync ? `${local('sync')}[${awaited.length - 1}]` : pure(mark) + call)
  })

  const names = [...new Set(openings.map(({ open }) => open))]
  const shim = names.length
    ? `import { ${names.map((name) => `${name} as ${local(name)}`).join(', ')} } from '${SHIM}';`
    : 'export {};'
  imports.forEach(({ start, end }, index) => replace(start, end, index ? '' : shim))
  // Before the first statement, since imports may stand below code that uses the values.
  if (awaited.length) {
    magic.appendLeft(at(bodyStart), `const ${local('sync')} = await Promise.all([${awaited.join(', ')}]); `)
  }
  return {
    code: magic.toString(),
    map: magic.generateMap({ source: id, includeContent: true, hires: 'boundary' }),
    redacted: text,
  }
}

const pure = ({ pure }: Mark) => (pure ? '/* @__PURE__ */ ' : '')

/** Names for what we import that stand nowhere in the module. */
function localNames(code: string) {
  let prefix = 'kms'
  while (code.includes(`${prefix}_`)) prefix = `_${prefix}`
  return (name: string) => `${prefix}_${name}`
}
