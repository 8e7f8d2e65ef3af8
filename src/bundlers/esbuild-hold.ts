import type { BuildOptions, Plugin, PluginBuild } from 'esbuild'
import type { BuildSession } from '../pipeline/session.js'
import { LaterLoads } from './esbuild-loads.js'
import { NAME } from './transform.js'

/** Options that we set so that esbuild writes nothing before the leak check. */
const HELD = {
  write: false,
  // For the list of inputs: esbuild protects them only if it writes the outputs itself.
  metafile: true,
}
type HeldOption = keyof typeof HELD
const NAMES = Object.keys(HELD) as HeldOption[]

/**
 * Makes esbuild keep the outputs of one build in memory. All instances of the plugin in that build
 * share one hold. Plugins that are set up later see and set the options as they would without us.
 */
export class OutputHold {
  readonly sessions: BuildSession[] = []
  /** The `onLoad` callbacks of plugins that are set up later. */
  readonly laterLoads = new LaterLoads()
  /** The modules of the shim that we loaded, by their names in the metafile. */
  readonly loaded = new Set<string>()
  /** Whether another plugin has an `onEnd`. */
  hasOtherOnEnd = false
  /** Called with the host of the last plugin, after its setup. */
  onLastSetup: (host: PluginBuild) => void = () => {}
  readonly #options: BuildOptions
  /** The options of the user and the other plugins. Unset options are absent. */
  #asked: Partial<Pick<BuildOptions, HeldOption>> = {}
  #isShown = false
  #wasHeld: boolean | undefined
  readonly #seen = new WeakSet<object>()

  private constructor(options: BuildOptions) {
    this.#options = options
  }

  /** Adds a session to the hold of its build. Called during the plugin's setup. */
  static join({ initialOptions }: PluginBuild, session: BuildSession): OutputHold {
    let hold = HOLDS.get(initialOptions)
    // The same instance again means another build with the same options object.
    if (!hold || hold.sessions.includes(session)) {
      HOLDS.set(initialOptions, (hold = new OutputHold(initialOptions)))
      hold.#showToLaterPlugins()
    }
    if (!hold.#isShown) hold.#hold()
    hold.sessions.push(session)
    session.peers = hold.sessions
    return hold
  }

  /**
   * Restores the user's options. Called after esbuild has read them.
   *
   * @returns whether esbuild read our options.
   */
  release(): boolean {
    this.#wasHeld ??= READ.has(this.#options) && !this.#isUndone()
    if (HOLDS.get(this.#options) === this) HOLDS.delete(this.#options)
    if (HELD_FOR.has(this.#options)) HELD_FOR.get(this.#options)!.#show()
    return this.#wasHeld
  }

  /** Returns whether a result is new: every instance of the plugin receives it. */
  isFirstToSee(result: object): boolean {
    if (this.#seen.has(result)) return false
    this.#seen.add(result)
    return true
  }

  /** Returns whether to write the files. */
  get write(): boolean {
    return this.#asked.write !== false
  }

  /** Returns whether the result should have a metafile. */
  get metafile(): boolean {
    return this.#asked.metafile === true
  }

  /** Returns whether no plugin is after ours. */
  get isLast(): boolean {
    const { plugins = [] } = this.#options
    return plugins.findIndex(({ name }) => name === NAME) === plugins.length - 1
  }

  #observing(plugin: string, host: PluginBuild): PluginBuild {
    return this.laterLoads.observing(plugin, host, () => void (this.hasOtherOnEnd = true))
  }

  #hold(): void {
    // Our options are set for a concurrent build with the same options object.
    const other = HELD_FOR.get(this.#options)
    const options = other ? other.#asked : this.#options
    this.#asked = Object.fromEntries(
      NAMES.flatMap((name) => (name in options ? [[name, options[name]]] : [])),
    )
    for (const name of NAMES) {
      Object.defineProperty(this.#options, name, {
        get: () => {
          READ.add(this.#options)
          return HELD[name]
        },
        set: (value: boolean) => {
          this.#asked[name] = value
        },
        enumerable: true,
        configurable: true,
      })
    }
    HELD_FOR.set(this.#options, this)
  }

  /** Returns whether another plugin removed or redefined our options. */
  #isUndone(): boolean {
    return HELD_FOR.has(this.#options) && NAMES.some((name) => this.#options[name] !== HELD[name])
  }

  #show(): void {
    HELD_FOR.delete(this.#options)
    for (const name of NAMES) delete this.#options[name]
    Object.assign(this.#options, this.#asked)
  }

  /**
   * Restores the user's options during the setup of each later plugin. Our options are set at all other
   * times, so a plugin whose setup cannot be wrapped sees ours, and nothing is written too early.
   */
  #showToLaterPlugins(): void {
    const plugins = this.#options.plugins ?? []
    const own = plugins.findIndex(({ name }) => name === NAME)
    for (const plugin of plugins.slice(own + 1)) this.#showTo(plugin)
  }

  #showTo(plugin: Plugin): void {
    const { setup } = plugin
    const isOwn = Object.hasOwn(plugin, 'setup')
    const restore = () => {
      if (plugin.setup !== replaced) return
      if (isOwn) plugin.setup = setup
      else delete (plugin as Partial<Plugin>).setup
    }
    const replaced = async (host: PluginBuild) => {
      restore()
      if (host.initialOptions !== this.#options || HOLDS.get(this.#options) !== this)
        return setup(host)
      this.#show()
      this.#isShown = true
      try {
        // Another instance of our plugin does the same.
        await setup(plugin.name === NAME ? host : this.#observing(plugin.name, host))
        if (plugin === this.#options.plugins?.at(-1)) this.onLastSetup(host)
      } finally {
        this.#isShown = false
        this.#hold()
      }
    }
    try {
      plugin.setup = replaced
    } catch {
      // The object is frozen.
    }
  }
}

/** Holds of the builds that are being set up. */
const HOLDS = new WeakMap<BuildOptions, OutputHold>()

/** Options objects that were read while ours were set. */
const READ = new WeakSet<BuildOptions>()

/** The hold whose options esbuild reads next. */
const HELD_FOR = new WeakMap<BuildOptions, OutputHold>()
