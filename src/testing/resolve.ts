import { fileURLToPath } from 'node:url'
import { MARKERS } from '../pipeline/collect/mark.js'

const MARKER = new URL('../testing/marker.js', import.meta.url)
const SYNC_MARKER = new URL('../testing/marker-sync.js', import.meta.url)

interface ResolveContext {
  parentURL?: string | undefined
  conditions?: readonly string[]
}

/**
 * Resolves the marker to a module of its own for each importer. A `resolve` hook of Node.
 *
 * @param next the next hook.
 */
export function resolve<Result>(
  specifier: string,
  context: ResolveContext,
  next: (specifier: string, context?: any) => Result,
): Result | { url: string; format: 'module'; shortCircuit: true } {
  const importer = context.parentURL
  if (!MARKERS.has(specifier) || !importer?.startsWith('file:') || isRequire(context))
    return next(specifier, context)
  const url = new URL(MARKERS.get(specifier)!.sync ? SYNC_MARKER : MARKER)
  url.search = new URLSearchParams({ importer: fileURLToPath(importer) }).toString()
  return { url: url.href, format: 'module', shortCircuit: true }
}

const isRequire = ({ conditions }: ResolveContext) => conditions?.includes('require') ?? false
