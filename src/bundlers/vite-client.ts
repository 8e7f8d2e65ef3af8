import type { UnpluginOptions } from 'unplugin'
import type { DevEnvironment, Plugin } from 'vite'
import { CLIENT } from '../pipeline/emit/shim.js'
import type { BuildSession } from '../pipeline/session.js'
import { NAME } from './transform.js'
import { importersIn } from './vite-dev-server.js'

/** What to do about a mark in a browser bundle, by the start of a plugin's name. */
const ADVICE: [plugin: string, advice: string][] = [
  [
    'vite-plugin-sveltekit',
    'Move the module to src/lib/server/ or name it *.server.ts, and import it only from +page.server.ts, +layout.server.ts, +server.ts and hooks.server.ts.',
  ],
  [
    'react-router',
    'Use the secret only in loader, action, middleware and headers, or name its module *.server.ts.',
  ],
  ['remix', 'Use the secret only in loader, action and headers, or name its module *.server.ts.'],
  [
    'vike:',
    'Use the secret only in +data, +guard, +onBeforeRender and other hooks that run on the server, or name its module *.server.ts.',
  ],
  [
    'vite-plugin-qwik-city',
    'Use the secret only inside routeLoader$, routeAction$, server$ and endpoints (onGet, onRequest).',
  ],
  [
    'tanstack-start',
    'Use the secret only inside the handler of createServerFn, in a server route or in middleware (.server()), or name its module *.server.ts.',
  ],
  [
    'solid-start',
    "Use the secret only in functions and modules that begin with 'use server', in API routes and in middleware.",
  ],
  [
    'astro:',
    'Use the secret only in the frontmatter of a page or component, in an endpoint, an action or middleware: not in a <script> and not in a component with a client:* directive.',
  ],
  [
    'nuxt:',
    'Move the module to server/, and let the page read its result with useFetch from a route in server/api/.',
  ],
]

export const ADVICE_WITHOUT_FRAMEWORK =
  "Keep the module out of the browser's imports. If this is the server's bundle, make it an SSR build: build.ssr."

/** Returns the advice for the framework among the plugins. */
export const adviceFor = (plugins: readonly Plugin[]): string | undefined =>
  ADVICE.find(([prefix]) => plugins.some(({ name }) => name.startsWith(prefix)))?.[1]

/**
 * Rejects a mark in a module that a dev server sends to a browser. Runs after the other plugins: until then
 * a framework may remove the server code of the module.
 */
export const clientCheck = (build: BuildSession): UnpluginOptions => ({
  name: `${NAME}:client`,
  enforce: 'post',
  vite: {
    apply: 'serve',
    transform: {
      order: 'post',
      // Vite may have rewritten the import by now.
      filter: { code: CLIENT.replace('./', '') },
      handler(code) {
        const environment = this.environment as DevEnvironment
        if (environment.config.consumer === 'client')
          build.outputs.checkClientModule(code, importersIn(environment))
      },
    },
  },
})
