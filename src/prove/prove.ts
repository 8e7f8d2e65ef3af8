import { Buffer } from 'node:buffer'
import { readFile } from 'node:fs/promises'
import { KmsBuildError } from '../errors.js'
import { redactSource } from '../emit/redact.js'
import { encodings } from './encodings.js'
import { residue, type Residue } from './residue.js'
import { searcher, type Hit } from './search.js'
import { views } from './views.js'

/** A finished output: chunk, map, or any other file of the build. */
export interface Asset {
  name: string
  content: string | Uint8Array
}

/** A plaintext that the build saw. */
export interface Seen {
  name: string
  plaintext: Uint8Array
}

export interface Proof {
  minLength: number
  except: string[]
}

/** A line of a multi-line secret says enough by itself from this length on. */
const LINE = 24

/** What is searched for: the whole, and of a text with several lines each long one by itself. */
function parts({ plaintext }: Seen): Uint8Array[] {
  const lines = Buffer.from(plaintext).toString('utf8').split(/\r?\n/)
  // A PEM's first and last line stand in many a library.
  const telling = lines.length > 1 ? lines.filter((line) => line.length >= LINE && !line.startsWith('-----')) : []
  return [plaintext, ...telling.map((line) => Buffer.from(line))]
}

/** Which secrets cannot be searched for, since so short a text stands in any bundle by chance. */
export const unsearched = (seen: Seen[], { minLength, except }: Proof) => {
  const tooShort = (plaintext: Uint8Array) => Buffer.from(plaintext).toString('utf8').length < minLength
  return {
    short: seen.filter(({ name, plaintext }) => tooShort(plaintext) && !except.includes(name)),
    excepted: seen.filter(({ name }) => except.includes(name)),
    searched: seen.filter(({ name, plaintext }) => !tooShort(plaintext) && !except.includes(name)),
  }
}

/**
 * Fails the build unless every output is free of every plaintext that the build saw, of marks that
 * were never transformed and of imports of a shim left outside.
 *
 * @param inputs paths of the build's modules, to say where a plaintext that was found comes from.
 * @throws KmsBuildError LEAK, MARK_UNTRANSFORMED, SHIM_EXTERNAL; the message shows no value.
 */
export async function prove(assets: Asset[], seen: Seen[], proof: Proof, inputs: Iterable<string> = []): Promise<void> {
  const patterns = unsearched(seen, proof).searched.flatMap((secret) =>
    parts(secret).flatMap(encodings).map((encoded) => ({ ...encoded, name: secret.name })),
  )
  const search = patterns.length ? searcher(patterns) : () => []
  const found: { asset: string; reading: string; hit: Hit; place: string }[] = []
  const left: { asset: string; what: Residue }[] = []

  for (const { name, content } of assets) {
    for (const { reading, bytes } of views(content)) {
      for (const hit of search(bytes)) found.push({ asset: name, reading, hit, place: placeIn(bytes, hit.offset) })
    }
    const what = residue(Buffer.from(content as Uint8Array).toString('utf8'), name)
    if (what) left.push({ asset: name, what })
  }

  if (found.length) throw await leak(found, search, inputs)
  const mark = left.find(({ what }) => what === 'mark')
  if (mark) {
    throw new KmsBuildError(
      'MARK_UNTRANSFORMED',
      `${mark.asset} holds a mark that the plugin never saw, so its plaintext too may stand there. No file was written. ` +
        'Put the plugin first in the array of plugins, and into every build that bundles the module (in Vite also worker.plugins).',
    )
  }
  if (left.length) {
    throw new KmsBuildError(
      'SHIM_EXTERNAL',
      `${left[0]!.asset} imports the shim from outside the bundle, where no deployed function finds it. No file was written. ` +
        `Take ${SHIM_NAMES} out of the bundler's externals.`,
    )
  }
}

const SHIM_NAMES = 'unplugin-kms and @unplugin-kms/runtime'

function placeIn(bytes: Buffer, offset: number): string {
  const before = bytes.subarray(0, offset)
  let line = 1
  for (let at = before.indexOf(10); at !== -1; at = before.indexOf(10, at + 1)) line++
  return `${line}:${offset - before.lastIndexOf(10)}`
}

async function leak(
  found: { asset: string; reading: string; hit: Hit; place: string }[],
  search: (haystack: Uint8Array) => Hit[],
  inputs: Iterable<string>,
) {
  const once = new Map(found.map((item) => [`${item.hit.pattern.name} ${item.asset}`, item]).reverse() as [string, (typeof found)[0]][])
  const lines = [...once.values()].reverse().slice(0, 10).map(
    ({ asset, reading, hit, place }) => `  ${hit.pattern.name} (${hit.pattern.encoding}) in ${asset}:${place}${reading}`,
  )
  const origins = await unmarked(new Set(found.map(({ hit }) => hit.pattern.name)), search, inputs)
  return new KmsBuildError(
    'LEAK',
    `the output would hold the plaintext of a secret; no file was written.\n${lines.join('\n')}\n` +
      (origins.length
        ? `The same text stands unmarked in:\n${origins.map((origin) => `  ${origin}`).join('\n')}\nMark it there too, or take it out. `
        : 'Some other plugin or option put it there, or the text stands unmarked in a source. ') +
      "If it is no secret there (a user's name, a common word), name the secret in the option proof.except.",
  )
}

/** Where in the sources the texts stand that were found; a mark's own argument is told apart by the caller's redaction. */
async function unmarked(names: Set<string>, search: (haystack: Uint8Array) => Hit[], inputs: Iterable<string>): Promise<string[]> {
  const origins = new Set<string>()
  for (const path of inputs) {
    const code = await readFile(path, 'utf8').catch(() => '')
    if (!code) continue
    for (const { reading, bytes } of views(withoutMarks(code, path))) {
      for (const { pattern, offset } of search(bytes)) {
        if (names.has(pattern.name)) origins.add(`${path}${reading ? '' : `:${placeIn(bytes, offset)}`} (${pattern.name})`)
      }
    }
  }
  return [...origins].slice(0, 10)
}

function withoutMarks(code: string, path: string): string {
  try {
    return redactSource(code, path)
  } catch {
    return code
  }
}
