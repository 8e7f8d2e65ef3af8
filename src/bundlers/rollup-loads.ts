import type { LoadResult, Plugin, PluginContext, SourceDescription } from 'rollup'

type Pattern = string | RegExp | readonly (string | RegExp)[]

/**
 * Loads a module as the other plugins would, because ours must load it first. A plugin that
 * compiles while it loads, as `@rollup/plugin-typescript` does, still compiles it.
 *
 * @param plugins all plugins of the build but ours.
 */
export async function loadByOthers(
  plugins: Plugin[],
  context: PluginContext,
  id: string,
): Promise<SourceDescription | null> {
  for (const { handler, filter } of inOrder(plugins)) {
    if (!matches(filter, id)) continue
    const loaded: LoadResult = await handler.call(context, id)
    if (loaded !== null && loaded !== undefined)
      return typeof loaded === 'string' ? { code: loaded } : loaded
  }
  return null
}

interface Load {
  handler: (this: PluginContext, id: string) => LoadResult | Promise<LoadResult>
  order: number
  filter: Filter
}

function inOrder(plugins: Plugin[]): Load[] {
  const hooks = plugins.flatMap(({ load }): Load[] => {
    if (!load) return []
    if (typeof load === 'function') return [{ handler: load, order: 1, filter: undefined }]
    const order = load.order === 'pre' ? 0 : load.order === 'post' ? 2 : 1
    return [{ handler: load.handler, order, filter: load.filter?.id as Filter }]
  })
  return hooks.sort((a, b) => a.order - b.order)
}

type Filter = Pattern | { include?: Pattern; exclude?: Pattern } | undefined

/** Returns whether a filter matches. A glob counts as a match: its plugin also checks the id itself. */
function matches(filter: Filter, id: string): boolean {
  if (!filter) return true
  const isPattern = typeof filter === 'string' || filter instanceof RegExp || Array.isArray(filter)
  const { include, exclude } = isPattern
    ? { include: filter as Pattern, exclude: undefined }
    : (filter as { include?: Pattern; exclude?: Pattern })
  const some = (pattern: Pattern, glob: boolean) =>
    [pattern].flat().some((one) => (one instanceof RegExp ? one.test(id) : glob))
  if (exclude && some(exclude, false)) return false
  return !include || some(include, true)
}
