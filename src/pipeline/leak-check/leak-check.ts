import { existsSync, readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { KmsBuildError, type Place } from '../../errors.js'
import { collect } from '../collect/collect.js'
import { MARKER } from '../collect/mark.js'
import { contentOf, keyOf, markSearched, type BuildCommand } from './build-command.js'
import {
  examine,
  masked,
  searchFor,
  type Asset,
  type Leak,
  type Leftover,
  type LeakCheckOptions,
} from './examine.js'
import { origins, pathOf, type Graph } from './origins.js'
import type { Seen } from './parts.js'
import type { CheckedOutputs } from './rebuild.js'
import type { Residue } from './residue.js'
import type { Search } from './search.js'

/**
 * Fails the build if an output, or its name, contains a plaintext that the build command saw, a mark that
 * was never transformed, or an import of a shim that was left external. Outputs of earlier builds of
 * the command are searched for the plaintexts that have become known since.
 *
 * @param shown returns a path as a message shows it.
 * @param unsearched returns outputs of the same command that were not searched for all plaintexts.
 * @param previous the outputs of the same build, one build ago.
 * @throws KmsBuildError LEAK, MARK_UNTRANSFORMED, SHIM_EXTERNAL; the message shows no value.
 */
export async function checkOutputs(
  assets: Asset[],
  plaintexts: Seen[],
  options: LeakCheckOptions,
  graph: Graph = { inputs: [] },
  shown = (path: string) => path,
  unsearched: BuildCommand['unsearched'] = () => [],
  previous?: CheckedOutputs,
): Promise<void> {
  const search = searchFor(plaintexts, options)
  const changed = previous?.changed(assets, plaintexts, search) ?? assets
  const { leaks, leftovers } = examine(changed, search)
  const earlier = leaksInEarlierOutputs(unsearched(plaintexts), options, shown)
  if (leaks.length || earlier.length) {
    const names = new Set(
      [leaks, ...earlier.map((one) => one.leaks)].flat().map((leak) => leak.secret),
    )
    const safe = (text: string) => masked(text, search)
    const leaksOf = (outputs: LeakingOutput[]) =>
      distinct(
        outputs.flatMap((output) => output.leaks),
        safe,
      )
    const written = earlier.filter(({ path }) => existsSync(path))
    if (options.removeWritten) await Promise.all(written.map(({ path }) => rm(path)))
    throw leakError({
      leaks: distinct(leaks, safe),
      written: leaksOf(written),
      areRemoved: options.removeWritten ?? false,
      unwritten: leaksOf(earlier.filter((output) => !written.includes(output))),
      origins: await origins(names, search, graph, (path) => safe(shown(path)), safe),
      option: `${options.optionName ?? 'leakCheck'}.except`,
    })
  }
  if (leftovers.length) throw leftover(leftovers)
}

interface LeakingOutput {
  path: string
  leaks: Leak[]
}

function leaksInEarlierOutputs(
  outputs: ReturnType<BuildCommand['unsearched']>,
  options: LeakCheckOptions,
  shown: (path: string) => string,
): LeakingOutput[] {
  const searches = new Map<string, Search>()
  return outputs.flatMap(({ output, missing }) => {
    const content = contentOf(output)
    if (content === null) return []
    // Outputs of one build lack the same plaintexts.
    const key = missing.map(keyOf).join('\0')
    const search = searches.get(key) ?? searchFor(missing, options)
    searches.set(key, search)
    const { leaks } = examine([{ name: shown(output.path), content }], search)
    if (leaks.length) return [{ path: output.path, leaks }]
    markSearched(output, missing)
    return []
  })
}

/** One leak for each secret and output, with names that show no value. */
function distinct(leaks: Leak[], safe: (text: string) => string): Leak[] {
  const first = new Map<string, Leak>()
  for (const leak of leaks) {
    const key = `${leak.secret} ${leak.asset}`
    if (!first.has(key)) first.set(key, { ...leak, secret: safe(leak.secret) })
  }
  return [...first.values()]
}

/** `NAME (encoding) in FILE:LINE:COLUMN`. */
export const leakText = ({ secret, encoding, asset, place, reading }: Leak) =>
  `${secret} (${encoding}) in ${asset}${place ? `:${place}` : ''}${reading}`

interface LeakReport {
  /** In outputs of this build, which are not written. */
  leaks: Leak[]
  /** In files that an earlier build of the command wrote. */
  written: Leak[]
  areRemoved: boolean
  /** In outputs of an earlier build that are not on disk: its caller has them. */
  unwritten: Leak[]
  /** Places in the sources. */
  origins: string[]
  /** The option for exceptions. */
  option: string
}

const MOST_LISTED = 10

const list = (lines: string[]) =>
  [
    ...lines.slice(0, MOST_LISTED).map((line) => `  ${line}`),
    ...(lines.length > MOST_LISTED ? [`  and ${lines.length - MOST_LISTED} more`] : []),
  ].join('\n')

function leakError({ leaks, written, areRemoved, unwritten, origins, option }: LeakReport) {
  const section = (found: Leak[], text: string) =>
    found.length ? [`${list(found.map(leakText))}\n${text}`] : []
  const [first] = [...leaks, ...written, ...unwritten]
  const remedy = `If it is not a secret there (a user's name, a common word), add its name to the option ${option}: ['${first!.secret}'].`
  return new KmsBuildError(
    'LEAK',
    [
      'an output contains the plaintext of a secret.',
      ...section(leaks, 'These outputs were not written.'),
      ...section(
        written,
        areRemoved
          ? 'These files were removed: this command or another plugin wrote them.'
          : 'These files are on disk: this command or another plugin wrote them. Delete them, or set leakCheck.removeWritten.',
      ),
      ...section(
        unwritten,
        'These outputs of an earlier build of this command were returned to its caller. Do not deploy them.',
      ),
      origins.length
        ? `The same string is not marked in:\n${list(origins)}\nMark it there too, or remove it. ${remedy}`
        : `Another plugin or option added it, or a source contains the string without a mark. ${remedy}`,
    ].join('\n'),
  )
}

function leftover(left: Leftover[]) {
  const of = (what: Residue) => left.find((item) => item.what === what)?.asset
  const [mark, text] = [of('mark'), of('text')]
  if (mark) {
    return new KmsBuildError(
      'MARK_UNTRANSFORMED',
      `${mark} contains a mark that the plugin did not transform, and may contain its plaintext. No file was written. ` +
        'Put the plugin first in the array of plugins, and into every build that bundles the module (in Vite also worker.plugins; a dependency with marks belongs in optimizeDeps.exclude).',
    )
  }
  if (text) return asText(text)
  return new KmsBuildError(
    'SHIM_EXTERNAL',
    `${of('shim')} imports the shim instead of containing it, so a deployed function cannot find it. It was not written. ` +
      "Take unplugin-kms and @unplugin-kms/runtime out of the bundler's externals, and let it bundle (esbuild: bundle: true).",
  )
}

/** @param where an output, or the module whose source would be embedded as a string. */
const asText = (where: string) =>
  new KmsBuildError(
    'MARK_UNTRANSFORMED',
    `${where} contains the source of a module with marks as a string (?raw, ?url, an asset, a loader that returns text), and its plaintexts. It was not written. ` +
      'Move the marks to a module that is not embedded as a string.',
  )

/** Fails for a source with marks that is embedded as a string. @throws KmsBuildError MARK_UNTRANSFORMED. */
export function refuseText(code: string, file: string): void {
  if (collect(code, file)) throw asText(file)
}

/** Returns the error for a module that imports the marker and was not transformed. */
export function unseenModule(
  id: string | undefined,
  shown: (path: string) => string,
): KmsBuildError {
  const place = id === undefined ? undefined : importPlace(id, shown)
  // The id of a data URL contains the source of the module.
  const name = id && (/^\0?data:/.test(id) ? 'a module in a data URL' : shown(id))
  return new KmsBuildError(
    'MARK_UNTRANSFORMED',
    `${name && !place ? `${name}: ` : ''}${
      id !== undefined && !place && existsSync(pathOf(id))
        ? `another plugin adds the import of unplugin-kms/secret, and the file does not contain it. Import the marker in the file itself.`
        : `unplugin-kms/secret is imported by a module that the plugin did not transform. Put the plugin first in the array of plugins, and into every build that bundles the module; see also the options include and exclude.`
    }`,
    place,
  )
}

/** Returns the place of the marker's import, if the module is on disk. */
function importPlace(id: string, shown: (path: string) => string): Place | undefined {
  const path = pathOf(id)
  const text = existsSync(path) ? readFileSync(path, 'utf8') : ''
  const before = text.slice(0, Math.max(0, text.indexOf(MARKER)))
  if (!before) return undefined
  const lines = before.split('\n')
  return { file: shown(path), line: lines.length, column: lines.at(-1)!.length }
}
