import type { BuildOptions, PluginBuild } from 'esbuild'
import { KmsBuildError } from '../errors.js'
import { NAME } from './transform.js'

type Hook = 'onStart' | 'onEnd'
type Callback<H extends Hook> = Parameters<PluginBuild[H]>[0]
/** An item of esbuild's lists of callbacks. */
interface Registration {
  name: string
  callback: unknown
}

/**
 * Registers callbacks that run before those of all other plugins, including plugins before ours. The
 * `onStart` of other plugins then sees the options of the user, and their `onEnd` finds the files, which
 * our `onEnd` writes after the leak check. esbuild calls callbacks in the order of their registration and
 * has no option to change it, so this moves our callbacks to the front of esbuild's lists.
 *
 * @returns whether plugins before ours have an `onEnd`.
 * @throws KmsBuildError OUTPUT_UNSAFE if the list is not accessible and a plugin before ours has an `onEnd`.
 */
export function registerFirst(
  host: PluginBuild,
  onStart: Callback<'onStart'>,
  onEnd: Callback<'onEnd'>,
): boolean {
  moveToFront(register(host, 'onStart', onStart))
  const others = moveToFront(register(host, 'onEnd', onEnd))
  if (!others) refuseEarlierOnEnd(host.initialOptions)
  return others?.some(({ name }) => name !== NAME) ?? false
}

function moveToFront(registrations: Registration[] | undefined): Registration[] | undefined {
  const own = registrations?.pop()
  const others = registrations?.slice()
  if (own) registrations!.unshift(own)
  return others
}

/** Registers the callback, and returns the list to which esbuild adds it. */
function register<H extends Hook>(
  host: PluginBuild,
  hook: H,
  callback: Callback<H>,
): Registration[] | undefined {
  let registrations: Registration[] | undefined
  const { push } = Array.prototype
  const restore = replacePush(function (this: unknown[], ...items: unknown[]) {
    if ((items[0] as Partial<Registration> | null)?.callback === callback)
      registrations = this as Registration[]
    return push.apply(this, items)
  })
  // Synchronous: no other code runs in between.
  try {
    host[hook](callback as never)
  } finally {
    restore()
  }
  return registrations
}

function replacePush(replacement: typeof Array.prototype.push): () => void {
  const original = Object.getOwnPropertyDescriptor(Array.prototype, 'push')!
  // Fails if the intrinsics of JavaScript are frozen.
  if (!Reflect.defineProperty(Array.prototype, 'push', { ...original, value: replacement }))
    return () => {}
  return () => void Reflect.defineProperty(Array.prototype, 'push', original)
}

function refuseEarlierOnEnd({ write, plugins = [] }: BuildOptions): void {
  if (write === false) return
  const before = plugins.slice(
    0,
    plugins.findIndex(({ name }) => name === NAME),
  )
  // Nothing else shows what another plugin registered.
  const early = before.find(({ setup }) => /\bonEnd\b/.test(setup.toString()))
  if (!early) return
  throw new KmsBuildError(
    'OUTPUT_UNSAFE',
    `the plugin ${early.name} is before unplugin-kms and has an onEnd, which would run before the files are written: unplugin-kms writes them after the leak check. Put unplugin-kms first in the array of plugins.`,
  )
}
