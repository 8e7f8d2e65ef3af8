import type { OnLoadArgs, OnLoadOptions, OnLoadResult, PluginBuild } from 'esbuild'

type Callback = Parameters<PluginBuild['onLoad']>[1]

/**
 * The `onLoad` callbacks of plugins after ours. esbuild uses the first callback with a result, which is ours
 * for a module with marks. So we call the others and seal the marks in their result.
 */
export class LaterLoads {
  readonly #loads: { plugin: string; filter: RegExp; namespace: string; callback: Callback }[] = []

  /** Number of callbacks so far. */
  get count(): number {
    return this.#loads.length
  }

  /** Returns a host for another plugin that records its `onLoad` callbacks. */
  observing(plugin: string, host: PluginBuild, hasOnEnd: () => void): PluginBuild {
    const onLoad = ({ filter, namespace }: OnLoadOptions, callback: Callback) => {
      // Without the flags g and y, with which the pattern would have state.
      const own = new RegExp(filter.source, filter.flags.replace(/[gy]/g, ''))
      this.#loads.push({ plugin, filter: own, namespace: namespace ?? 'file', callback })
      host.onLoad({ filter, ...(namespace !== undefined && { namespace }) }, callback)
    }
    const onEnd: PluginBuild['onEnd'] = (callback) => {
      hasOnEnd()
      host.onEnd(callback)
    }
    return { ...host, onLoad, onEnd }
  }

  /**
   * Calls the callbacks in order, as esbuild would without us.
   *
   * @param from the index of the first callback that was registered after the calling instance.
   */
  async load(args: OnLoadArgs, from: number): Promise<OnLoadResult | null> {
    for (const { plugin, filter, namespace, callback } of this.#loads.slice(from)) {
      if (namespace !== args.namespace || !filter.test(args.path)) continue
      const result = await callback(args)
      if (result) return { pluginName: plugin, ...result }
    }
    return null
  }
}
