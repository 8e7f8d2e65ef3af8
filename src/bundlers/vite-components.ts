import type { UnpluginOptions } from 'unplugin'
import { MARKER } from '../pipeline/collect/mark.js'
import type { BuildSession } from '../pipeline/session.js'
import type { ModuleHost } from '../pipeline/target.js'
import { NAME, transformHook } from './transform.js'

/** Files that a framework compiles to JavaScript. Their scripts may be separate modules. */
const COMPONENT = /\.(?:astro|vue|svelte|mdx?)(?:\?|$)/

const ACCESSOR = /\bget (\w+)\(\) \{ return \1;? \}/

/**
 * Seals the marks of components after their framework has compiled them to JavaScript.
 * Runs after the other plugins.
 */
export function componentTransform(
  build: BuildSession,
  hostOf: (context: unknown) => Omit<ModuleHost, 'watch'>,
): UnpluginOptions {
  const compiledHostOf = (context: unknown) => ({ ...hostOf(context), isCompiled: true })
  const includes = (id: string) =>
    COMPONENT.test(id) && !build.exclude.some((pattern) => pattern.test(id))
  const { handler } = transformHook(build, compiledHostOf, includes)
  return {
    name: `${NAME}:components`,
    enforce: 'post',
    transform: {
      filter: { id: { include: COMPONENT, exclude: build.exclude }, code: MARKER },
      handler(code, id) {
        // In a dev server, Vue's compiler passes every import to the template, so the marker must resolve.
        if (hostOf(this).target.command === 'serve' && ACCESSOR.test(code)) return null
        return handler.call(this, code, id)
      },
    },
  }
}
