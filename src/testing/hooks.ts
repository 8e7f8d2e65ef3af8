import Module, * as moduleApi from 'node:module'
import { MARKERS } from '../pipeline/collect/mark.js'
import { resolve } from './resolve.js'
import type { TestSecrets } from './test-secrets.js'

// One for all copies of this package in a thread.
const SECRETS = Symbol.for('unplugin-kms.register')
const state = globalThis as { [SECRETS]?: TestSecrets }

/** Returns what opens the secrets in this thread. */
export const registeredSecrets = (): TestSecrets => state[SECRETS]!

/** Makes the markers resolve to modules of this package. Called again, it replaces the secrets. */
export function installHooks(secrets: TestSecrets): void {
  const isInstalled = state[SECRETS] !== undefined
  state[SECRETS] = secrets
  if (isInstalled) return
  hookRequire()
  if ('registerHooks' in moduleApi) moduleApi.registerHooks({ resolve })
  else Module.register(new URL('../testing/hooks-thread.js', import.meta.url))
}

type Load = (
  request: string,
  parent: { filename?: string | null } | undefined,
  isMain: boolean,
) => unknown

/** Replaces what `require` returns for the markers, in CommonJS that a compiler wrote too. */
function hookRequire(): void {
  const loader = Module as unknown as { _load: Load }
  const load = loader._load
  loader._load = function (request, parent, isMain) {
    const path = parent?.filename
    if (!MARKERS.has(request) || !path) return Reflect.apply(load, this, [request, parent, isMain])
    const isSync = MARKERS.get(request)!.sync
    const secrets = registeredSecrets()
    return { secret: isSync ? secrets.blockingMarker(path, 'cjs') : secrets.marker(path, 'cjs') }
  }
}
