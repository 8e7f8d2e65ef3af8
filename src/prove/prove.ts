import { Buffer } from 'node:buffer'
import { KmsBuildError } from '../errors.js'
import { encodings } from './encodings.js'
import { origins, type Graph } from './origins.js'
import { parts, type Seen } from './parts.js'
import { placeIn } from './place.js'
import { residue, type Residue } from './residue.js'
import { searcher, type Hit } from './search.js'
import { views } from './views.js'

export type { Seen }

/** A finished output: chunk, map, or any other file of the build. */
export interface Asset {
  name: string
  content: string | Uint8Array
}

export interface Proof {
  minLength: number
  except: string[]
}

/** Which secrets cannot be searched for, since so short a text stands in any bundle by chance. */
export const unsearched = (seen: Seen[], { minLength, except }: Proof) => {
  const tooShort = (plaintext: Uint8Array) =>
    Buffer.from(plaintext).toString('utf8').length < minLength
  return {
    short: seen.filter(({ name, plaintext }) => tooShort(plaintext) && !except.includes(name)),
    excepted: seen.filter(({ name }) => except.includes(name)),
    searched: seen.filter(({ name, plaintext }) => !tooShort(plaintext) && !except.includes(name)),
  }
}

/**
 * Fails the build unless every output, its name too, is free of every plaintext that the build saw,
 * of marks that were never transformed and of imports of a shim left outside.
 *
 * @param shown how a path is shown in a message.
 * @throws KmsBuildError LEAK, MARK_UNTRANSFORMED, SHIM_EXTERNAL; the message shows no value.
 */
export async function prove(
  assets: Asset[],
  seen: Seen[],
  proof: Proof,
  graph: Graph = { inputs: [] },
  shown = (path: string) => path,
): Promise<void> {
  const patterns = unsearched(seen, proof).searched.flatMap((secret) =>
    parts(secret, proof.minLength)
      .flatMap(encodings)
      .map((encoded) => ({ ...encoded, name: secret.name })),
  )
  const search = patterns.length ? searcher(patterns) : () => []
  const masked = (path: string) => (search(Buffer.from(path)).length ? '•••' : path)
  const found: Found[] = []
  const left: { asset: string; what: Residue }[] = []

  for (const { name, content } of assets) {
    for (const hit of search(Buffer.from(name)))
      found.push({ asset: masked(name), reading: ' (in its name)', hit, place: '' })
    for (const { reading, bytes } of views(content, name)) {
      for (const hit of search(bytes))
        found.push({ asset: masked(name), reading, hit, place: `:${placeIn(bytes, hit.offset)}` })
    }
    const what = residue(Buffer.from(content as Uint8Array).toString('utf8'), name)
    if (what) left.push({ asset: name, what })
  }

  if (found.length) {
    throw leak(
      found,
      await origins(new Set(found.map(({ hit }) => hit.pattern.name)), search, graph, (path) =>
        masked(shown(path)),
      ),
    )
  }
  if (left.length) throw leftover(left)
}

interface Found {
  asset: string
  reading: string
  hit: Hit
  /** `:line:column`, in the reading. */
  place: string
}

function leak(found: Found[], stands: string[]) {
  const first = new Map<string, Found>()
  for (const item of found) {
    const key = `${item.hit.pattern.name} ${item.asset}`
    if (!first.has(key)) first.set(key, item)
  }
  const lines = [...first.values()]
    .slice(0, 10)
    .map(
      ({ asset, reading, hit, place }) =>
        `  ${hit.pattern.name} (${hit.pattern.encoding}) in ${asset}${place}${reading}`,
    )
  return new KmsBuildError(
    'LEAK',
    `the output would hold the plaintext of a secret; no file was written.\n${lines.join('\n')}\n` +
      (stands.length
        ? `The same text stands unmarked in:\n${stands.map((place) => `  ${place}`).join('\n')}\nMark it there too, or take it out. `
        : 'Some other plugin or option put it there, or the text stands unmarked in a source. ') +
      "If it is no secret there (a user's name, a common word), name the secret in the option proof.except.",
  )
}

function leftover(left: { asset: string; what: Residue }[]) {
  const of = (what: Residue) => left.find((item) => item.what === what)?.asset
  const [mark, text] = [of('mark'), of('text')]
  if (mark) {
    return new KmsBuildError(
      'MARK_UNTRANSFORMED',
      `${mark} holds a mark that the plugin never saw, so its plaintext too may stand there. No file was written. ` +
        'Put the plugin first in the array of plugins, and into every build that bundles the module (in Vite also worker.plugins).',
    )
  }
  if (text) {
    return new KmsBuildError(
      'MARK_UNTRANSFORMED',
      `${text} holds the source of a module with marks as a text (?raw, an asset, a loader that gives text), and with it its plaintexts. No file was written. ` +
        'Move the marks to a module that is not embedded as a text.',
    )
  }
  return new KmsBuildError(
    'SHIM_EXTERNAL',
    `${of('shim')} imports the shim from outside the bundle, where no deployed function finds it. No file was written. ` +
      "Take unplugin-kms and @unplugin-kms/runtime out of the bundler's externals.",
  )
}
