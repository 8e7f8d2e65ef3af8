import type { OnLoadArgs, OnLoadOptions, OnLoadResult, PluginBuild } from 'esbuild'

type Callback = Parameters<PluginBuild['onLoad']>[1]

/**
 * The `onLoad` callbacks of plugins after ours. esbuild calls only the first that answers, which is ours
 * for a module with marks. So we ask the others ourselves and seal what they make of the module.
 */
export class LaterLoads {
  readonly #loads: { plugin: string; filter: RegExp; namespace: string; callback: Callback }[] = []

  /** Number of callbacks so far. */
  get count(): number {
    return this.#loads.length
  }

  /** Whether any of the plugins has an `onEnd`. */
  hasOnEnd = false

  /** Returns a plugin's host that lets us see what the plugin registers. */
  observing(plugin: string, host: PluginBuild): PluginBuild {
    const onLoad = ({ filter, namespace }: OnLoadOptions, callback: Callback) => {
      // Without a flag that would let it remember where it last matched.
      const own = new RegExp(filter.source, filter.flags.replace(/[gy]/g, ''))
      this.#loads.push({ plugin, filter: own, namespace: namespace ?? 'file', callback })
      host.onLoad({ filter, ...(namespace !== undefined && { namespace }) }, callback)
    }
    const onEnd: PluginBuild['onEnd'] = (callback) => {
      this.hasOnEnd = true
      host.onEnd(callback)
    }
    return { ...host, onLoad, onEnd }
  }

  /**
   * Asks the plugins in their order, as esbuild would without us.
   *
   * @param from the number of callbacks when the asking instance was set up: esbuild has asked those.
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
