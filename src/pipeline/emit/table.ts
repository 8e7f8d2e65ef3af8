import type { Mark } from '../collect/mark.js'
import { callKey } from '../collect/served.js'
import type { SyncForm } from '../target.js'
import { javaScript, type ShimCall } from './emit.js'
import { syncValues } from './sync.js'

/** The shared module that looks up calls of modules that are not rewritten. */
export const TABLE = './unplugin-kms.table'

/** Looks up a call by its arguments, as `callKey` does. Errors show no argument, which may be a plaintext. */
export const TABLE_CODE = `const plain = (value) =>
  value && typeof value === 'object' ? Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)) : value
export const table = (file, calls) => {
  const of = (source) => (...values) => {
    const key = source === 'literal' ? values.map((text) => String(text).slice(-24)) : values.map(plain)
    const open = calls.get(JSON.stringify([source, ...key]))
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
 * Returns the code of the module that replaces the marker for one importer: the marker, with a table of the
 * importer's calls. All marks of the importer stay in the bundle, used or not.
 *
 * @param file the file name in run-time errors about unknown calls.
 * @param marker the imported marker. The table contains only its marks.
 */
export function tableModule(
  file: string,
  marks: Mark[],
  calls: ShimCall[],
  { sync }: { sync: boolean },
  { requestOf = (name) => name, form = 'await' }: TableOptions = {},
): string {
  const entries = new Map<string, ShimCall>()
  marks.forEach((mark, index) => {
    if (mark.sync === sync) entries.set(callKey(mark.source, mark.values), calls[index]!)
  })
  const names = new Map<string, string>()
  const imports: string[] = []
  const callCode = ({ from, export: exported, args }: ShimCall) => {
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
    ? `(${syncValues(values, form, callCode)}).map((value, index) => [[${keys.join(',\n')}][index], () => value])`
    : `[${keys.map((key, index) => `[${key}, () => ${callCode(values[index]!)}]`).join(',\n')}]`
  return (
    `import { table } from '${requestOf(TABLE)}';\n${imports.join('')}` +
    `export const secret = /* @__PURE__ */ table(${javaScript(file)}, /* @__PURE__ */ new Map(${list}));\n`
  )
}
