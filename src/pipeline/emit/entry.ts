import { isBuiltin } from 'node:module'
import { posix } from 'node:path'
import type { Import } from 'es-module-lexer'
import { KmsBuildError } from '../../errors.js'
import type { EntryCode } from './process-env.js'
import { shiftMap, splitMapComment, withShiftedInlineMap } from './shift-map.js'

/** Finished outputs of a build by their names, with `/` between folders. */
export type OutputTexts = Map<string, () => string>

/**
 * Makes the entries of a bundle set environment variables before any other module is evaluated, in any
 * chunk and in packages outside of the bundle.
 *
 * A CommonJS entry is wrapped in a function. An ES module that imports only Node's modules waits at its
 * first line. Other imports would be evaluated before that line, so the entry moves to its own file, and a
 * new entry waits before it imports that file.
 *
 * @param outputs all outputs of the build.
 * @param entries names of the outputs that are loaded first.
 * @param parse as `loadParser` returns it.
 * @returns the outputs that are new or different.
 * @throws KmsBuildError ENTRY_UNSUITABLE.
 */
export function entriesWithCode(
  outputs: OutputTexts,
  entries: string[],
  format: 'esm' | 'cjs',
  code: EntryCode,
  parse: Parse,
): Map<string, string> {
  const changed = new Map<string, string>()
  const read = (name: string) => changed.get(name) ?? outputs.get(name)?.() ?? ''
  const begin = (name: string, wrap: (code: string) => string) => {
    const { text, map, lines } = wrapped(read(name), wrap)
    changed.set(name, text)
    const mapName = map && posix.join(posix.dirname(name), map)
    if (mapName && outputs.has(mapName)) changed.set(mapName, shiftMap(read(mapName), lines))
  }
  if (format === 'cjs') {
    for (const entry of entries) begin(entry, code.cjs)
    return changed
  }
  const moved = new Map<string, string>()
  for (const entry of entries) {
    const { imports, names } = moduleOf(parse, read(entry), entry)
    if (imports.every(isEarly)) {
      begin(entry, (text) => code.esm + text)
      continue
    }
    const name = unusedName(entry, outputs)
    moved.set(entry, name)
    const text = read(entry)
    const [hashbang = ''] = HASHBANG.exec(text) ?? []
    changed.set(name, text)
    changed.set(entry, hashbang + facade(`./${posix.basename(name)}`, names, code))
  }
  if (moved.size) redirectImports(parse, outputs, changed, moved)
  return changed
}

export type Parse = (typeof import('es-module-lexer'))['parse']

/** Loads the parser of imports and exports at the first call: few builds need it. */
export async function loadParser(): Promise<Parse> {
  const { init, parse } = await import('es-module-lexer')
  await init()
  return parse
}

interface Module {
  imports: readonly Import[]
  /** Names of its exports. */
  names: string[]
}

/** Reads the imports and exports of an ES module. @throws KmsBuildError ENTRY_UNSUITABLE. */
function moduleOf(parse: Parse, text: string, name: string): Module {
  const [imports, exports] = lex(parse, text, name)
  const all = exports.find(({ type }) => type === 'reexport-all')
  if (all && 'from' in all) {
    throw new KmsBuildError(
      'ENTRY_UNSUITABLE',
      `the entry ${name} exports all of ${all.from}, which is not in the bundle, so that the names of its exports are unknown to the build. Export them by their names, or bundle ${all.from}.`,
    )
  }
  return { imports, names: exports.flatMap((one) => ('name' in one ? [one.name] : [])) }
}

function lex(parse: Parse, text: string, name: string): ReturnType<Parse> {
  try {
    return parse(text, name)
  } catch {
    throw new KmsBuildError(
      'ENTRY_UNSUITABLE',
      `the output ${name} cannot be parsed as an ES module, so that its imports and exports are unknown. The option processEnv needs output in the format 'esm' or 'cjs'.`,
    )
  }
}

/** Checks whether an import may be evaluated before the variables are set. */
const isEarly = (one: Import) =>
  (one.type !== 'static' && one.type !== 'reexport-star') ||
  isBuiltin(one.specifier) ||
  one.specifier.startsWith('bun:')

/** Returns a module that waits and then imports the original entry. */
function facade(specifier: string, names: string[], { esm }: EntryCode): string {
  const from = `await import(${JSON.stringify(specifier)})`
  if (!names.length) return `${esm}${from};\n`
  const shown = (name: string) => (/^[\w$]+$/.test(name) ? name : JSON.stringify(name))
  const bindings = names.map((name, index) => `${JSON.stringify(name)}:kms_${index}`)
  const exported = names.map((name, index) => `kms_${index} as ${shown(name)}`)
  return `${esm}const {${bindings.join(',')}}=${from};\nexport {${exported.join(',')}};\n`
}

function unusedName(entry: string, outputs: OutputTexts): string {
  const extension = posix.extname(entry)
  const base = entry.slice(0, entry.length - extension.length)
  for (let count = 1; ; count++) {
    const name = `${base}-module${count > 1 ? count : ''}${extension}`
    if (!outputs.has(name)) return name
  }
}

/** Other outputs that import a moved entry must share its bindings, not copies of their values. */
function redirectImports(
  parse: Parse,
  outputs: OutputTexts,
  changed: Map<string, string>,
  moved: Map<string, string>,
): void {
  const bases = [...moved.keys()].map((entry) => posix.basename(entry))
  for (const name of new Set([...outputs.keys(), ...changed.keys()])) {
    if (moved.has(name) || !/\.[cm]?jsx?$/.test(name)) continue
    const text = changed.get(name) ?? outputs.get(name)!()
    if (!bases.some((base) => text.includes(base))) continue
    const redirected = redirect(parse, text, name, moved)
    if (redirected !== text) changed.set(name, redirected)
  }
}

function redirect(parse: Parse, text: string, name: string, moved: Map<string, string>): string {
  const folder = posix.dirname(name)
  let result = text
  const [imports] = lex(parse, text, name)
  for (const { specifier, start, end, type } of imports.toReversed()) {
    if (!specifier?.startsWith('.')) continue
    const target = moved.get(posix.join(folder, specifier))
    if (target === undefined) continue
    const relative = posix.relative(folder, target)
    const path = relative.startsWith('.') ? relative : `./${relative}`
    const quoted = type === 'dynamic' ? JSON.stringify(path) : path
    result = result.slice(0, start) + quoted + result.slice(end)
  }
  return result
}

/** Bun reads its comment in the first line only. */
const HASHBANG = /^(?:#!.*\n)?(?:\/\/ @bun.*\n)?/

const PLACEHOLDER = 'unplugin-kms: code'

/** Wraps a module's code, but not its hashbang and the comment that names its map. */
function wrapped(text: string, wrap: (code: string) => string) {
  const [hashbang = ''] = HASHBANG.exec(text) ?? []
  const { code, comment, map } = splitMapComment(text.slice(hashbang.length))
  const wrappedCode = wrap(code)
  // The code itself may occur in what is before it.
  const lines = wrap(PLACEHOLDER).split(PLACEHOLDER)[0]!.split('\n').length - 1
  return {
    text: `${hashbang}${wrappedCode}${withShiftedInlineMap(comment, lines)}`,
    map,
    lines,
  }
}
