import { partsOf, type Seen } from './parts.js'
import { patternsOf } from './patterns.js'
import { residue, type Residue } from './residue.js'
import { searcher, type Hit, type Search } from './search.js'
import { bytesOf, views } from './views.js'

/** A finished output: chunk, map, or any other file of the build. */
export interface Asset {
  name: string
  content: string | Uint8Array
}

/** Returns an asset whose content is read from its bundler once, on demand. */
export function assetOf(name: string, read: () => Asset['content']): Asset {
  let content: Asset['content'] | undefined
  return {
    name,
    get content() {
      return (content ??= read())
    },
  }
}

export interface SearchOptions {
  minLength: number
  except: string[]
}

/** The plugin's option `leakCheck`. */
export interface LeakCheckOptions extends SearchOptions {
  removeWritten?: boolean
  /** The name of the option that the user set. */
  optionName?: 'leakCheck' | 'proof'
}

/** An occurrence of a plaintext in an output. */
export interface Leak {
  /** The secret's name or place. */
  secret: string
  encoding: string
  /** The output's name, with `•••` if the name itself contains the plaintext. */
  asset: string
  /** `line:column` in the output, or in data that was unpacked from it; absent for a name. */
  place?: string
  /** How the output was decoded, as words after the place. */
  reading: string
}

/** A mark that was never transformed, or an external shim. */
export interface Leftover {
  asset: string
  what: Residue
}

/** Separates the secrets that are searched for from those that are too short or excepted. */
export const unsearched = (seen: Seen[], { minLength, except }: SearchOptions) => {
  const tooShort = (plaintext: Uint8Array) =>
    Buffer.from(plaintext).toString('utf8').length < minLength
  return {
    short: seen.filter(({ name, plaintext }) => tooShort(plaintext) && !except.includes(name)),
    excepted: seen.filter(({ name }) => except.includes(name)),
    searched: seen.filter(({ name, plaintext }) => !tooShort(plaintext) && !except.includes(name)),
  }
}

/** Returns a search for all plaintexts, to be used for every output. */
export function searchFor(seen: Seen[], options: SearchOptions): Search {
  const { minLength, except } = options
  const parts = unsearched(seen, options).searched.flatMap((secret) => partsOf(secret, minLength))
  return searcher(
    parts
      .filter(({ name }) => !except.includes(name))
      .flatMap((part) => patternsOf(part, minLength)),
  )
}

/** Returns a path as a message may show it. */
export const masked = (path: string, search: Search) => (hitsIn(path, search).length ? '•••' : path)

const hitsIn = (text: string, search: Search) =>
  search.sought.longest ? [...views(text, search.sought)].flatMap(({ bytes }) => search(bytes)) : []

/** Searches every output, and its name. */
export function examine(
  assets: Iterable<Asset>,
  search: Search,
): { leaks: Leak[]; leftovers: Leftover[] } {
  const leaks: Leak[] = []
  const leftovers: Leftover[] = []
  for (const output of assets) {
    const { name } = output
    const inName = hitsIn(name, search)
    const asset = inName.length ? '•••' : name
    const leak = ({ pattern }: Hit, reading: string, encoding = pattern.encoding) => ({
      secret: pattern.name,
      encoding,
      asset,
      reading,
    })
    const known = new Set<string>()
    for (const hit of inName) leaks.push(leak(hit, ' (in its name)'))
    // Decoding an output takes most of the time.
    if (search.sought.longest) {
      for (const view of views(output.content, search.sought, name)) {
        for (const hit of search(view.bytes)) {
          const { pattern, offset } = hit
          // Most views of an output contain the same plaintexts.
          const key = `${pattern.name}\0${view.encoding}`
          if (known.has(key)) continue
          known.add(key)
          const end = offset + (pattern.reach ?? pattern.bytes.length)
          const encoding = view.encodingOf?.(offset, end) ?? view.encoding
          leaks.push({ ...leak(hit, view.reading, encoding), place: view.placeOf(offset) })
        }
      }
    }
    // A map repeats its code, and is the largest output, which Rspack has to copy to JavaScript.
    if (name.endsWith('.map')) continue
    const { content } = output
    const what = residue(typeof content === 'string' ? content : bytesOf(content), name)
    if (what) leftovers.push({ asset, what })
  }
  return { leaks, leftovers }
}
