import { fileURLToPath } from 'node:url'
import { MARKER } from '../pipeline/collect/mark.js'
import { maskLiterals } from '../pipeline/emit/mask.js'
import { pathOf } from '../pipeline/leak-check/origins.js'
import type { BuildSession } from '../pipeline/session.js'
import { readText } from '../util/read-text.js'
import { NAME } from './transform.js'

const OWN_MODULE = /\.(?:[cm]?[jt]sx?|vue|svelte|mdx)$/i

/** Returns whether we seal or serve the marks of a module. Marks in an excluded package fail the build. */
export const isCandidate = (build: BuildSession, path: string): boolean =>
  (build.includes(path) ||
    (OWN_MODULE.test(path) &&
      !/[\\/]node_modules[\\/]/.test(path) &&
      !build.peers.some((session) => session.includes(path)))) &&
  mayHaveMarks(build, path)

/**
 * Returns whether a file on disk mentions the marker, or is not on disk. Marks that another loader adds to a
 * file without marks are not transformed, and fail the build.
 */
function mayHaveMarks(build: BuildSession, path: string): boolean {
  return !UNMARKED.get(build)?.delete(path) && readText(path)?.includes(MARKER) !== false
}

/** The files that `literalsRule` has read and that do not mention the marker, until `isCandidate` asks. */
const UNMARKED = new WeakMap<BuildSession, Set<string>>()

/** Masks plaintext literals before any other loader reads the module. */
export const literalsRule = (build: BuildSession) => ({
  enforce: 'pre' as const,
  use({ resource }: { resource?: string }) {
    if (resource === undefined || !build.includes(resource)) return []
    const path = pathOf(resource)
    const code = readText(path)
    if (code === undefined) return []
    if (!code.includes(MARKER)) UNMARKED.get(build)?.add(path)
    return build.hasPlaintextLiteral(code, resource)
      ? [
          {
            loader: LITERALS_LOADER,
            options: { maskLiterals },
            ident: `${NAME}-literals`,
          },
        ]
      : []
  },
})

/** Reads all files again. Called when a compilation begins. */
export const forgetReads = (build: BuildSession): void => void UNMARKED.set(build, new Set())

const LITERALS_LOADER = fileURLToPath(
  new URL('../bundlers/webpack-literals-loader.cjs', import.meta.url),
)
