import { Buffer } from 'node:buffer'
import { keyOf } from './build-command.js'
import { changedParts } from './changes.js'
import { examine, type Asset } from './examine.js'
import type { Seen } from './parts.js'
import { mayBeResidue } from './residue.js'
import type { Search } from './search.js'
import { bytesOf } from './views.js'

/** Bytes of outputs that are kept for the next build of a session. */
const LARGEST = 1 << 27

/** The outputs of a build that passed the leak check. The next build searches what is new in them. */
export class CheckedOutputs {
  readonly #contents: Map<string, Asset['content']>
  readonly #searched: Set<string>

  /** @param plaintexts what the outputs were searched for. */
  constructor(assets: Asset[], plaintexts: Seen[]) {
    this.#searched = new Set(plaintexts.map(keyOf))
    const size = plaintexts.length
      ? assets.reduce((sum, { content }) => sum + content.length, 0)
      : 0
    // Without a plaintext there is little to do, and Rspack need not bring its maps across.
    const isKept = size > 0 && size <= LARGEST
    this.#contents = new Map(isKept ? assets.map(({ name, content }) => [name, content]) : [])
  }

  /** Returns the outputs that are to be searched completely: the others contain nothing new to find. */
  changed(assets: Asset[], plaintexts: Seen[], search: Search): Asset[] {
    if (!plaintexts.every((seen) => this.#searched.has(keyOf(seen)))) return assets
    return assets.filter((asset) => !this.#isClean(asset, search))
  }

  #isClean({ name, content }: Asset, search: Search): boolean {
    const before = this.#contents.get(name)
    if (before === undefined) return false
    if (before === content) return true
    const after = bufferOf(content)
    const parts = changedParts(bufferOf(before), after, search.sought.longest)
    if (!parts) return false
    return parts.every(({ start, end }) => {
      const part = after.subarray(start, end)
      if (!name.endsWith('.map') && mayBeResidue(part.toString())) return false
      const { leaks } = examine([{ name: 'part.map', content: part }], search)
      return !leaks.length
    })
  }
}

const bufferOf = (content: Asset['content']): Buffer =>
  typeof content === 'string' ? Buffer.from(content) : bytesOf(content)
