import type { BuildOptions, Plugin, PluginBuild } from 'esbuild'
import type { BuildSession } from '../pipeline/session.js'
import { LaterLoads } from './esbuild-loads.js'
import { NAME } from './transform.js'

/** Options that we set so that no output is on disk before the leak check. */
const HELD = {
  write: false,
  // Lists the inputs, which esbuild refuses to overwrite only when it writes the outputs itself.
  metafile: true,
}
type Held = keyof typeof HELD
const NAMES = Object.keys(HELD) as Held[]

/**
 * Makes esbuild keep the outputs of one build in memory. All instances of the plugin in that build
 * share one hold. Plugins that are set up later see and set the options as they would without us.
 */
export class OutputHold {
  readonly sessions: BuildSession[] = []
  /** What plugins that are set up later register for loading modules. */
  readonly laterLoads = new LaterLoads()
  /** Our own modules that we loaded, as the metafile names them. */
  readonly loaded = new Set<string>()
  /** Called with the host of the last plugin, after its setup. */
  onLastSetup: (host: PluginBuild) => void = () => {}
  readonly #options: BuildOptions
  /** What the user and the other plugins asked for; an option that is unset is absent. */
  #asked: Partial<Pick<BuildOptions, Held>> = {}
  #isShown = false
  #wasHeld: boolean | undefined
  readonly #seen = new WeakSet<object>()

  private constructor(options: BuildOptions) {
    this.#options = options
  }

  /** Adds a session to the hold of its build. Called during the plugin's setup. */
  static join({ initialOptions }: PluginBuild, session: BuildSession): OutputHold {
    let hold = HOLDS.get(initialOptions)
    // The same instance again: another build that was given the same options.
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
   * Shows the options as they were asked for. Called once esbuild has read them.
   *
   * @returns whether esbuild read them as they were held.
   */
  release(): boolean {
    this.#wasHeld ??= READ.has(this.#options) && !this.#isUndone()
    if (HOLDS.get(this.#options) === this) HOLDS.delete(this.#options)
    if (HELD_FOR.has(this.#options)) HELD_FOR.get(this.#options)!.#show()
    return this.#wasHeld
  }

  /** Returns whether a result is seen for the first time: each instance of the plugin is told of it. */
  isFirstToSee(result: object): boolean {
    if (this.#seen.has(result)) return false
    this.#seen.add(result)
    return true
  }

  /** Whether the files are to be written. */
  get write(): boolean {
    return this.#asked.write !== false
  }

  /** Whether the result is to have a metafile. */
  get metafile(): boolean {
    return this.#asked.metafile === true
  }

  #hold(): void {
    // Held for another build that was given the same options and runs at the same time.
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

  /** Returns whether another plugin removed or redefined what we set. */
  #isUndone(): boolean {
    return HELD_FOR.has(this.#options) && NAMES.some((name) => this.#options[name] !== HELD[name])
  }

  #show(): void {
    HELD_FOR.delete(this.#options)
    for (const name of NAMES) delete this.#options[name]
    Object.assign(this.#options, this.#asked)
  }

  /**
   * Shows the options during the setup of each later plugin. They are held at all other times, so a
   * plugin whose setup cannot be replaced sees them held, and nothing is written too early.
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
        // Another instance of ours does as this one does.
        await setup(plugin.name === NAME ? host : this.laterLoads.observing(plugin.name, host))
        if (plugin === this.#options.plugins?.at(-1)) this.onLastSetup(host)
      } finally {
        this.#isShown = false
        this.#hold()
      }
    }
    try {
      plugin.setup = replaced
    } catch {
      // A frozen object.
    }
  }
}

/** Holds of the builds that are being set up. */
const HOLDS = new WeakMap<BuildOptions, OutputHold>()

/** Options that were read while they were held. */
const READ = new WeakSet<BuildOptions>()

/** The hold whose options esbuild is to read at the moment. */
const HELD_FOR = new WeakMap<BuildOptions, OutputHold>()
