import type { BunHold } from './bun-hold.js'
import { NAME } from './transform.js'

type OnEnd = (callback: (result: unknown) => unknown) => void

/** What we use of another plugin. */
export interface BunPlugin {
  name: string
  setup(host: { onEnd: OnEnd }): unknown
}

/**
 * Makes the `onEnd` of plugins after ours wait for the leak check: Bun calls all of them concurrently. Their
 * setup sees the options of the user.
 *
 * @param isChecked resolves to whether the outputs passed. Otherwise the others are not called.
 * @param afterAll called once all of them are done.
 */
export function deferLaterPlugins(
  plugins: BunPlugin[],
  hold: BunHold,
  isChecked: Promise<boolean>,
  afterAll: () => Promise<void>,
): void {
  let left = 0
  const later = plugins.slice(plugins.findIndex(({ name }) => name === NAME) + 1)
  for (const plugin of later.filter(({ name }) => name !== NAME)) {
    const { setup } = plugin
    const deferred: BunPlugin['setup'] = async (host) => {
      plugin.setup = setup
      const onEnd: OnEnd = (callback) => {
        left++
        host.onEnd(async (result) => {
          if (!(await isChecked)) return
          try {
            await callback(result)
          } finally {
            left--
          }
          if (!left) await afterAll()
        })
      }
      hold.show()
      try {
        await setup.call(plugin, { ...host, onEnd })
      } finally {
        hold.hold()
      }
    }
    try {
      plugin.setup = deferred
    } catch {
      // A frozen object.
    }
  }
}
