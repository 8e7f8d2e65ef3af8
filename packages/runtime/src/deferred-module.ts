import { once } from './once.js'

/** What CommonJS code finds as `module`. */
export interface CommonJsModule {
  exports: unknown
  filename?: string
}

export interface DeferredModuleOptions {
  /** Whether the process was started with this module, which nothing imports then. */
  isMain: boolean
  /** Whether the module begins only when it is used. Default: it begins immediately. */
  start?: 'load' | 'first-use' | undefined
}

type Exports = Record<string | symbol, unknown>
type AnyFunction = (...args: unknown[]) => unknown

/**
 * Evaluates a CommonJS module later: once `ready` has resolved. Until then its exports are functions
 * that wait for the module and call the function of the same name. The exports can be awaited, as
 * Lambda does before it looks for the handler, and become those of the module itself. A failure is not
 * kept: the next call, or `await`, tries again.
 *
 * @param module the module, whose exports are replaced
 * @param ready resolves when the module may run
 * @param evaluate the module's code, a function of its exports
 * @param options see {@link DeferredModuleOptions}
 */
export function deferModule(
  module: CommonJsModule,
  ready: () => Promise<void>,
  evaluate: (exports: Exports) => void,
  { isMain, start }: DeferredModuleOptions,
): void {
  let loaded: Exports | undefined
  let isAwaited = false
  const begin = once(async () => {
    await ready()
    const exports: Exports = {}
    module.exports = exports
    try {
      evaluate.call(exports, exports)
    } catch (error) {
      module.exports = facade
      throw error
    }
    return (loaded = module.exports as Exports)
  })
  const load = () => {
    isAwaited = true
    return begin()
  }
  const facade = facadeOf(load, () => loaded)
  module.exports = facade
  if (start === 'first-use' && !isMain) return
  begin().catch((error: Error) => {
    if (isAwaited) return
    // Nothing else would report it.
    if (isMain) throw error
    process.emitWarning(
      `${module.filename} was not loaded, since its environment variables could not be set: ${error.message}. The next call of one of its exports tries again.`,
      { type: 'KmsSecretWarning', code: 'ENV_NOT_SET' },
    )
  })
}

/** Returns exports that wait for the module. Wrappers that tools put around one of them are kept. */
function facadeOf(load: () => Promise<Exports>, loaded: () => Exports | undefined): unknown {
  const functions = new Map<string, AnyFunction>()
  const call = (name?: string): AnyFunction =>
    function (this: unknown, ...args) {
      return load().then((exports) => {
        const self = this === facade ? exports : this
        return invoke(
          name === undefined ? exports : exports[name],
          name ?? 'module.exports',
          self,
          args,
        )
      })
    }
  const functionOf = (name: string) => {
    const known = functions.get(name) ?? call(name)
    functions.set(name, known)
    return known
  }
  const whole = call()
  const target = (...args: unknown[]) => whole(...args)
  const own = new Set(Object.getOwnPropertyNames(target))

  /** The module's exports, with what tools put in place of some of them. */
  const result = (exports: Exports) => {
    const { ...replaced } = Object.getOwnPropertyDescriptors<object>(target)
    for (const name of own) delete replaced[name]
    return Object.keys(replaced).length ? Object.create(exports, replaced) : exports
  }
  /** Awaits the exports. `await import()` calls it on the namespace that Node created from the facade. */
  // oxlint-disable-next-line unicorn/no-thenable -- the exports can be awaited
  function then(
    this: unknown,
    ok: (value: unknown) => unknown,
    failed: (error: unknown) => unknown,
  ): Promise<unknown> {
    return load()
      .then(result)
      .then((exports) => (this === facade ? exports : { ...exports, default: exports }))
      .then(ok, failed)
  }

  const facade: unknown = new Proxy(target, {
    get(_, name) {
      if (Object.hasOwn(target, name) && !own.has(name as string)) return Reflect.get(target, name)
      const exports = loaded()
      if (exports) return Reflect.get(exports, name)
      if (typeof name === 'symbol' || name in target) return Reflect.get(target, name)
      return name === 'then' ? then : functionOf(name)
    },
    // ES modules ask for the exports by the names that Node read in the code.
    getOwnPropertyDescriptor(_, name) {
      const known = Reflect.getOwnPropertyDescriptor(target, name)
      if (known || typeof name === 'symbol' || name in target) return known
      const value = name === 'then' ? then : (loaded()?.[name] ?? functionOf(name))
      return { value, configurable: true, enumerable: true, writable: true }
    },
  })
  return facade
}

/** Calls an export, whose result may also come by a callback, as for a handler of Lambda up to Node 22. */
function invoke(called: unknown, name: string, self: unknown, args: unknown[]): unknown {
  if (typeof called !== 'function') throw new TypeError(`${name} is not a function`)
  const callback = args[2]
  if (called.length < 3 || typeof callback !== 'function') return called.apply(self, args)
  return new Promise((resolve, reject) => {
    const settle = (error: unknown, value: unknown) => {
      callback(error, value)
      resolve(value)
    }
    const returned: unknown = called.call(self, args[0], args[1], settle, ...args.slice(3))
    if (returned instanceof Promise) returned.then(resolve, reject)
  })
}
