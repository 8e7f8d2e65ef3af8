import { statSync } from 'node:fs'
import { MARKER } from '../pipeline/collect/mark.js'
import { readText } from '../util/read-text.js'

/** Reads the sources of a watch session. Rebuilds read only those without marks that have changed. */
export class Sources {
  /** For each file without marks, what `#stateOf` returned when it was read. The first build needs none. */
  readonly #unmarked = new Map<string, string>()
  readonly #settledAfter: number

  /** @param settledAfter a file that changed within as many ms may change again at the same time of change. */
  constructor(settledAfter = 3000) {
    this.#settledAfter = settledAfter
  }

  /** Returns the code of a file with marks, an empty string for a missing or empty file, or null. */
  readMarked(path: string): string | null {
    const before = this.#unmarked.get(path)
    const state = before === undefined ? '' : this.#stateOf(path)
    if (state && state === before) return null
    // Synchronously: most files have no marks, and awaiting each read would slow down the build.
    const code = readText(path) ?? ''
    if (code && !code.includes(MARKER)) {
      this.#unmarked.set(path, state)
      return null
    }
    this.#unmarked.delete(path)
    return code
  }

  /** Returns a string that differs when the file has changed, or an empty one if that is not certain. */
  #stateOf(path: string): string {
    try {
      const { ino, size, mtimeMs, ctimeMs } = statSync(path)
      return Date.now() - ctimeMs < this.#settledAfter ? '' : `${ino} ${size} ${mtimeMs} ${ctimeMs}`
    } catch {
      return ''
    }
  }
}
