import { existsSync, readFileSync } from 'node:fs'
import { KmsBuildError, type Place } from '../../errors.js'
import { MARKER } from '../collect/mark.js'
import {
  examine,
  masked,
  searchFor,
  type Asset,
  type Leak,
  type Leftover,
  type Proof,
} from './examine.js'
import { origins, pathOf, type Graph } from './origins.js'
import type { Seen } from './parts.js'
import type { Residue } from './residue.js'

/**
 * Fails the build unless every output, its name too, is free of every plaintext that the build saw,
 * of marks that were never transformed and of imports of a shim left outside.
 *
 * @param shown how a path is shown in a message.
 * @throws KmsBuildError LEAK, MARK_UNTRANSFORMED, SHIM_EXTERNAL; the message shows no value.
 */
export async function checkOutputs(
  assets: Asset[],
  seen: Seen[],
  proof: Proof,
  graph: Graph = { inputs: [] },
  shown = (path: string) => path,
): Promise<void> {
  const search = searchFor(seen, proof)
  const { leaks, leftovers } = examine(assets, search)
  if (leaks.length) {
    const names = new Set(leaks.map(({ secret }) => secret))
    const safe = (text: string) => masked(text, search)
    throw leak(
      leaks.map((leak) => ({ ...leak, secret: safe(leak.secret) })),
      await origins(names, search, graph, (path) => safe(shown(path)), safe),
    )
  }
  if (leftovers.length) throw leftover(leftovers)
}

/** `NAME (encoding) in FILE:LINE:COLUMN`. */
export const leakText = ({ secret, encoding, asset, place, reading }: Leak) =>
  `${secret} (${encoding}) in ${asset}${place ? `:${place}` : ''}${reading}`

function leak(leaks: Leak[], stands: string[]) {
  const first = new Map<string, Leak>()
  for (const item of leaks) {
    const key = `${item.secret} ${item.asset}`
    if (!first.has(key)) first.set(key, item)
  }
  const lines = [...first.values()].slice(0, 10).map((item) => `  ${leakText(item)}`)
  return new KmsBuildError(
    'LEAK',
    `the output would hold the plaintext of a secret; no file was written.\n${lines.join('\n')}\n` +
      (stands.length
        ? `The same text stands unmarked in:\n${stands.map((place) => `  ${place}`).join('\n')}\nMark it there too, or take it out. `
        : 'Some other plugin or option put it there, or the text stands unmarked in a source. ') +
      "If it is no secret there (a user's name, a common word), name the secret in the option proof.except.",
  )
}

function leftover(left: Leftover[]) {
  const of = (what: Residue) => left.find((item) => item.what === what)?.asset
  const [mark, text] = [of('mark'), of('text')]
  if (mark) {
    return new KmsBuildError(
      'MARK_UNTRANSFORMED',
      `${mark} holds a mark that the plugin never saw, so its plaintext too may stand there. No file was written. ` +
        'Put the plugin first in the array of plugins, and into every build that bundles the module (in Vite also worker.plugins; a dependency with marks belongs in optimizeDeps.exclude).',
    )
  }
  if (text) return asText(text)
  return new KmsBuildError(
    'SHIM_EXTERNAL',
    `${of('shim')} imports the shim from outside the bundle, where no deployed function finds it. No file was written. ` +
      "Take unplugin-kms and @unplugin-kms/runtime out of the bundler's externals, and let it bundle (esbuild: bundle: true).",
  )
}

/** @param where an output, or the module itself that would become a text. */
export const asText = (where: string) =>
  new KmsBuildError(
    'MARK_UNTRANSFORMED',
    `${where} holds the source of a module with marks as a text (?raw, ?url, an asset, a loader that gives text), and with it its plaintexts. No file was written. ` +
      'Move the marks to a module that is not embedded as a text.',
  )

/** Of a module that imports the marker, and that no transform of ours has seen. */
export function unseenModule(
  id: string | undefined,
  shown: (path: string) => string,
): KmsBuildError {
  const place = id === undefined ? undefined : importPlace(id, shown)
  // A module that is a data URL has its whole text, marks and all, for a name.
  const name = id && (/^\0?data:/.test(id) ? 'a module in a data URL' : shown(id))
  return new KmsBuildError(
    'MARK_UNTRANSFORMED',
    `${name && !place ? `${name}: ` : ''}unplugin-kms/secret is imported by a module that the plugin never saw. Put the plugin first in the array of plugins, and into every build that bundles the module; see also the options include and exclude.`,
    place,
  )
}

/** Where it imports the marker, if it lies on the disk. */
function importPlace(id: string, shown: (path: string) => string): Place | undefined {
  const path = pathOf(id)
  const text = existsSync(path) ? readFileSync(path, 'utf8') : ''
  const before = text.slice(0, Math.max(0, text.indexOf(MARKER)))
  if (!before) return undefined
  const lines = before.split('\n')
  return { file: shown(path), line: lines.length, column: lines.at(-1)!.length }
}
