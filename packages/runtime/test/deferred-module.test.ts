import { afterEach, describe, expect, it, vi } from 'vitest'
import { deferModule, type CommonJsModule } from '../src/deferred-module.js'

afterEach(() => vi.restoreAllMocks())

type Exports = Record<string, (...args: unknown[]) => unknown> & { then?: unknown }

interface Setup {
  evaluate: (exports: Exports, module: CommonJsModule) => void
  ready?: () => Promise<void>
  start?: 'first-use'
}

function defer({ evaluate, ready = async () => {}, start }: Setup) {
  const module: CommonJsModule = { exports: {}, filename: 'main.cjs' }
  const run = vi.fn((exports: object) => evaluate(exports as Exports, module))
  deferModule(module, ready, run, { isMain: false, start })
  return { module, exports: module.exports as Exports, run }
}

/** A `ready` that fails the first time. */
const failingOnce = () => {
  let failures = 1
  return async () => {
    if (failures-- > 0) throw new Error('KMS unreachable')
  }
}

describe('a deferred module', () => {
  it('is evaluated once, when it is ready', async () => {
    const order: string[] = []
    const { exports, run } = defer({
      ready: async () => void order.push('ready'),
      evaluate: (own) => {
        order.push('evaluated')
        own.handler = (event) => event
      },
    })
    expect(run).not.toHaveBeenCalled()
    expect(await Promise.all([exports.handler!(1), exports.handler!(2)])).toEqual([1, 2])
    expect(order).toEqual(['ready', 'evaluated'])
  })

  it('begins by itself, or with its first call', async () => {
    const evaluate = (own: Exports) => void (own.handler = () => 1)
    const eager = defer({ evaluate })
    const lazy = defer({ evaluate, start: 'first-use' })
    await expect.poll(() => eager.run).toHaveBeenCalled()
    expect(lazy.run).not.toHaveBeenCalled()
    expect(await lazy.exports.handler!()).toBe(1)
  })

  it('has its own exports once they were awaited', async () => {
    const handler = Object.assign(() => 1, { [Symbol.for('streaming')]: 'response' })
    const { module, exports } = defer({
      evaluate: (own) => Object.assign(own, { handler, limit: 3 }),
    })
    const awaited = await (exports as unknown as PromiseLike<Exports>)
    expect(awaited.handler).toBe(handler)
    expect(module.exports).toBe(awaited)
    // Also for callers that kept the previous exports.
    expect(exports.limit).toBe(3)
    expect(exports.then).toBeUndefined()
  })

  it('is awaited by import() through the namespace that Node created before', async () => {
    const handler = () => 1
    const { exports } = defer({ evaluate: (own) => Object.assign(own, { handler }) })
    const { value } = Object.getOwnPropertyDescriptor(exports, 'then')!
    // oxlint-disable-next-line unicorn/no-thenable -- as Node's namespace has it
    const namespace = { then: value as PromiseLike<unknown>['then'], default: exports }
    expect(await namespace).toEqual({ handler, default: { handler } })
  })

  it('may replace its exports, by a function too', async () => {
    const { exports } = defer({
      evaluate: (_, module) => void (module.exports = (event: unknown) => event),
    })
    expect(await (exports as unknown as (event: unknown) => unknown)(3)).toBe(3)
  })

  it('keeps a wrapper that a tool put around an export', async () => {
    const { exports } = defer({ evaluate: (own) => void (own.handler = () => 'own') })
    const original = exports.handler!
    exports.handler = async () => `wrapped ${String(await original())}`
    const awaited = await (exports as unknown as PromiseLike<Exports>)
    expect(await awaited.handler!()).toBe('wrapped own')
  })

  it('passes on this, arguments, callbacks and errors', async () => {
    const { exports } = defer({
      evaluate: (own) => {
        own.self = function (this: unknown) {
          return this === own
        }
        own.callback = (event, _context, callback) =>
          void setImmediate(() => (callback as (...args: unknown[]) => void)(null, event))
        own.throws = () => {
          throw new Error('from the handler')
        }
      },
    })
    const callback = vi.fn()
    // All before the module is loaded: later, its own functions are called.
    const results = [
      exports.self!(),
      exports.callback!('event', {}, callback),
      exports.throws!(),
      exports.absent!(),
    ]
    expect(await Promise.allSettled(results)).toMatchObject([
      { value: true },
      { value: 'event' },
      { reason: { message: 'from the handler' } },
      { reason: { message: 'absent is not a function' } },
    ])
    expect(callback).toHaveBeenCalledExactlyOnceWith(null, 'event')
  })

  it('is tried again by the next call after a failure, which is reported once', async () => {
    const emitWarning = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const { exports, run } = defer({
      ready: failingOnce(),
      evaluate: (own) => void (own.handler = () => 1),
    })
    await expect.poll(() => emitWarning).toHaveBeenCalledOnce()
    expect(emitWarning.mock.calls[0]![0]).toMatch(/^main.cjs .*KMS unreachable/)
    expect(run).not.toHaveBeenCalled()
    expect(await exports.handler!()).toBe(1)
  })

  it('rejects calls and awaits that run into the failure', async () => {
    const emitWarning = vi.spyOn(process, 'emitWarning')
    const { exports } = defer({
      ready: failingOnce(),
      evaluate: (own) => void (own.handler = () => 1),
    })
    const call = exports.handler!()
    await expect(exports as unknown as PromiseLike<Exports>).rejects.toThrow('KMS unreachable')
    await expect(call).rejects.toThrow('KMS unreachable')
    expect(await exports.handler!()).toBe(1)
    expect(emitWarning).not.toHaveBeenCalled()
  })

  it('is evaluated again if its own code threw', async () => {
    let failures = 1
    const { exports } = defer({
      evaluate: (own) => {
        if (failures-- > 0) throw new Error('no connection')
        own.handler = () => 1
      },
    })
    await expect(exports.handler!()).rejects.toThrow('no connection')
    expect(await exports.handler!()).toBe(1)
  })
})
