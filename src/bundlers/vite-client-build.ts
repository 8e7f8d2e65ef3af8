import type { UnpluginOptions } from 'unplugin'
import type { BuildSession } from '../pipeline/session.js'
import { NAME } from './transform.js'
import { adviceFor } from './vite-client.js'
import { productionVariables } from './vite-env.js'

/**
 * Searches a build that is for browsers only for the project's secrets: its server is built by
 * another command. Frameworks build for both with one command.
 */
export const clientBuild = (build: BuildSession): UnpluginOptions => ({
  name: `${NAME}:client-build`,
  vite: {
    apply: 'build',
    async buildStart() {
      const { config } = this.environment
      const isClientOnly = Object.keys(config.environments).join() === 'client'
      if (!isClientOnly || adviceFor(config.plugins) !== undefined) return
      const includes = (path: string) => build.includes(path)
      await build.outputs.addProjectSecrets(build.root, includes, await productionVariables(config))
    },
  },
})
