import type { UnpluginOptions } from 'unplugin'
import { MARKER } from '../pipeline/collect/mark.js'
import type { BuildSession } from '../pipeline/session.js'
import type { ModuleHost } from '../pipeline/target.js'
import { NAME, transformHook } from './transform.js'

/** Files that a framework compiles to JavaScript. Their scripts may be modules of their own. */
const COMPONENT = /\.(?:astro|vue|svelte|mdx?)(?:\?|$)/

/**
 * Seals the marks of components, which are JavaScript only after their framework has compiled them.
 * Runs after other plugins.
 */
export function componentTransform(
  build: BuildSession,
  hostOf: (context: unknown) => Omit<ModuleHost, 'watch'>,
): UnpluginOptions {
  const isComponent = (id: string) =>
    COMPONENT.test(id) && !build.exclude.some((pattern) => pattern.test(id))
  const { handler } = transformHook(build, hostOf, isComponent)
  return {
    name: `${NAME}:components`,
    enforce: 'post',
    transform: {
      filter: { id: { include: COMPONENT, exclude: build.exclude }, code: MARKER },
      handler,
    },
  }
}
