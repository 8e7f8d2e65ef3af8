import { readFile } from 'node:fs/promises'
import type { UnpluginOptions } from 'unplugin'
import type { DevEnvironment } from 'vite'
import type { Options } from '../options/types.js'
import { MARKER } from '../pipeline/collect/mark.js'
import { refuseText } from '../pipeline/leak-check/leak-check.js'
import { pathOf } from '../pipeline/leak-check/origins.js'
import { nodeWithoutMlKem } from '../pipeline/node-target.js'
import { BuildSession } from '../pipeline/session.js'
import type { ModuleHost } from '../pipeline/target.js'
import { guardPrerendering, withPrerenderGuard } from './prerender-guard.js'
import { compiledHost, isClient, rollupLike } from './rollup-like.js'
import { NAME, transformHook } from './transform.js'
import { MARKERS } from './virtual.js'
import { clientBuild } from './vite-client-build.js'
import { ADVICE_WITHOUT_FRAMEWORK, adviceFor, clientCheck } from './vite-client.js'
import { componentTransform } from './vite-components.js'
import {
  checkedDependencies,
  CompiledModules,
  serveAsModules,
  showNoLines,
  serveUnbundled,
} from './vite-dev-server.js'
import { ViteEnvironment } from './vite-env.js'
import { publicFilesCheck } from './vite-public-folder.js'

/** Queries for which Vite returns the source of a file. `?worker&url` returns the URL of a bundle. */
const AS_TEXT = /^(?!.*[?&](?:shared)?worker(?:&|$)).*[?&](?:raw|url)(?:&|$)/

/** A build under Vite, and the variables of its `.env` files. */
export interface ViteSession {
  build: BuildSession
  environment: ViteEnvironment
  /** The folder that places are relative to. Default: Vite's root. */
  root?: string
}

/** Creates a session whose `secret.env` also reads Vite's `.env` files. */
export function createViteSession(options?: Options): ViteSession {
  const environment = new ViteEnvironment()
  const env = options?.env ?? environment.variables
  return { build: new BuildSession({ ...options, env }), environment }
}

/** Returns the plugins of a session, which they may share with others. */
export function viteHooks({ build, environment, root }: ViteSession): UnpluginOptions[] {
  let serves = false
  // Frameworks do. A build without one has no pages.
  let mayPrerender = false
  // Vitest reports `client` for a jsdom environment, which runs in Node.
  const forBrowser = (context: unknown) => isClient(context) && !(serves && process.env.VITEST)
  const hostOf = (context: unknown): Omit<ModuleHost, 'watch'> => ({
    target: {
      platform: forBrowser(context) ? 'browser' : 'node',
      command: serves ? 'serve' : 'build',
      withoutMlKem: serves ? undefined : nodeWithoutMlKem(targetsOf(context)),
    },
  })
  const compiled = new CompiledModules()
  const servingHost = (context: unknown, importer: string) => ({
    ...(serves
      ? { compiled: compiled.codeOf(environmentOf(context), importer) }
      : compiledHost(context, importer)),
    ...hostOf(context),
  })
  const hooks = rollupLike(build, servingHost, (context) => hostOf(context).target)
  const plugin: UnpluginOptions = {
    name: NAME,
    enforce: 'pre',
    transform: transformHook(build, hostOf),
    vite: {
      ...hooks,
      resolveId: {
        ...hooks.resolveId,
        handler(source, importer) {
          // When the marker is loaded, its importer was already sent.
          if (serves && forBrowser(this) && MARKERS.test(source))
            throw build.untransformedImport(importer)
          return hooks.resolveId.handler(source, importer)
        },
      },
      load: {
        order: 'pre',
        filter: { id: [hooks.load.filter.id, AS_TEXT] },
        async handler(id) {
          if (!AS_TEXT.test(id)) {
            const code = await hooks.load.handler.call(this, id)
            return code && mayPrerender ? withPrerenderGuard(id, code) : code
          }
          const path = pathOf(id)
          if (build.includes(path))
            refuseText(await readFile(path, 'utf8').catch(() => ''), build.fromRoot(path))
          return null
        },
      },
      renderStart: publicFilesCheck(build),
      configEnvironment: () => checkedDependencies(build),
      async configureServer(server) {
        await build.environment.setHere()
        Object.values(server.environments).forEach(showNoLines)
        serveAsModules(server)
      },
      async configResolved(config) {
        build.setRoot(root ?? config.root)
        const advice = adviceFor(config.plugins)
        build.outputs.setClientAdvice(advice ?? ADVICE_WITHOUT_FRAMEWORK)
        serves = config.command === 'serve'
        mayPrerender = !serves && advice !== undefined
        if (mayPrerender) guardPrerendering(build)
        if (serves) build.outputs.leave()
        serveUnbundled(config)
        await environment.load(config)
      },
    },
  }
  return [
    plugin,
    compiledObserver(compiled),
    componentTransform(build, hostOf),
    clientCheck(build),
    clientBuild(build),
  ]
}

/** Returns a plugin that keeps the code of a module after all plugins, before Vite rewrites its imports. */
const compiledObserver = (compiled: CompiledModules): UnpluginOptions => ({
  name: `${NAME}:compiled`,
  enforce: 'post',
  vite: {
    apply: 'serve',
    transform: {
      filter: { code: MARKER },
      handler(code, id) {
        if (code.includes(MARKER)) compiled.add(environmentOf(this), id, code)
      },
    },
  },
})

/** Returns the option `build.target` of the environment that a module is built for. */
const targetsOf = (context: unknown) => environmentOf(context).config.build.target

const environmentOf = (context: unknown) => (context as { environment: DevEnvironment }).environment
