import type { Mark } from '../collect/mark.js'
import { callKey } from '../collect/served.js'
import type { SyncForm } from '../target.js'
import { javaScript, type Opening } from './emit.js'
import { syncValues } from './sync.js'

/** The lookup of the calls of a module that is not rewritten, one for all such modules. */
export const TABLE = './unplugin-kms.table'

/** Recognizes a call by its arguments, as `callKey` does. Never shows an argument: it may be a plaintext. */
export const TABLE_CODE = `const plain = (value) =>
  value && typeof value === 'object' ? Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)) : value
export const table = (file, openings) => {
  const of = (source) => (...values) => {
    const key = source === 'literal' ? values.map((text) => String(text).slice(-24)) : values.map(plain)
    const open = openings.get(JSON.stringify([source, ...key]))
    if (open) return open()
    const name = source === 'literal' ? 'secret' : 'secret.' + source
    throw new Error('unplugin-kms: the build found no mark ' + name + '(…) with these arguments in ' + file + '. [MARK_UNTRANSFORMED]')
  }
  const secret = of('literal')
  for (const source of ['env', 'file', 'named', 'ssm', 'secretsManager', 'ciphertext', 'from'])
    secret[source] = of(source)
  return secret
}
`

interface TableOptions {
  requestOf?: ((name: string) => string) | undefined
  /** How synchronous marks get their values. */
  form?: SyncForm
}

/**
 * Returns the module that a module's import of the marker resolves to: the marker, with a table of what
 * each of its calls opens. An import of one such module keeps all of its marks in the bundle.
 *
 * @param file shown at run time if a call is not among the marks.
 * @param marker the marker that is imported, whose marks alone are in the table.
 */
export function tableModule(
  file: string,
  marks: Mark[],
  openings: Opening[],
  { sync }: { sync: boolean },
  { requestOf = (name) => name, form = 'await' }: TableOptions = {},
): string {
  const entries = new Map<string, Opening>()
  marks.forEach((mark, index) => {
    if (mark.sync === sync) entries.set(callKey(mark.source, mark.values), openings[index]!)
  })
  const names = new Map<string, string>()
  const imports: string[] = []
  const call = ({ from, export: exported, args }: Opening) => {
    const id = `${from} ${exported}`
    if (!names.has(id)) {
      names.set(id, `open_${names.size}`)
      imports.push(`import { ${exported} as ${names.get(id)} } from '${requestOf(from)}';\n`)
    }
    return `${names.get(id)}(${args.map(javaScript).join(', ')})`
  }
  const keys = [...entries.keys()].map(javaScript)
  const values = [...entries.values()]
  const list = sync
    ? `(${syncValues(values, form, call)}).map((value, index) => [[${keys.join(',\n')}][index], () => value])`
    : `[${keys.map((key, index) => `[${key}, () => ${call(values[index]!)}]`).join(',\n')}]`
  return (
    `import { table } from '${requestOf(TABLE)}';\n${imports.join('')}` +
    `export const secret = /* @__PURE__ */ table(${javaScript(file)}, /* @__PURE__ */ new Map(${list}));\n`
  )
}
