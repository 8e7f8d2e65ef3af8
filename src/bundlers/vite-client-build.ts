import type { UnpluginOptions } from 'unplugin'
import type { ResolvedConfig } from 'vite'
import type { BuildSession } from '../pipeline/session.js'
import { NAME } from './transform.js'
import { adviceFor } from './vite-client.js'
import { productionVariables } from './vite-env.js'

/**
 * Searches a build that is for browsers only for the project's secrets: its server is built by
 * another command. All frameworks but Qwik City build for both with one command.
 */
export const clientBuild = (build: BuildSession): UnpluginOptions => ({
  name: `${NAME}:client-build`,
  vite: {
    apply: 'build',
    async buildStart() {
      const { config } = this.environment
      if (config.build.ssr || !isAlone(config)) return
      const includes = (path: string) => build.includes(path)
      await build.outputs.addProjectSecrets(build.root, includes, await productionVariables(config))
    },
  },
})

/** Without a builder, Vite builds one environment, though `ssr` is configured as soon as an option is set. */
function isAlone({ environments, builder, plugins }: ResolvedConfig): boolean {
  const isQwik = plugins.some(({ name }) => name.startsWith('vite-plugin-qwik'))
  if (adviceFor(plugins) !== undefined && !isQwik) return false
  const others = Object.keys(environments).filter((name) => name !== 'client')
  return others.every((name) => name === 'ssr' && !builder)
}
