import { createHash } from 'node:crypto'
import { subscribe } from 'node:diagnostics_channel'
import { relative, resolve, sep } from 'node:path'
import type { Options } from '../options/types.js'
import { bindMarks } from './jest-bind.js'
import { CHANNEL, type JestRequest } from './jest-channel.js'
import { type JestTransformer, loadTransformer, type TransformOptions } from './jest-chain.js'
import type { FindCall } from './marker-of.js'
import { TestSecrets } from './test-secrets.js'

/** The configuration of the transform: the plugin's options, and the next transform. */
export interface JestOptions extends Options {
  /** The transform that compiles the module, with its configuration. Default: `babel-jest`. */
  transformer?: string | [name: string, config: Record<string, unknown>]
  /** The path of a configuration file, relative to `rootDir`. Default: `unplugin-kms.config.js`. */
  config?: string
}

interface Project {
  rootDir: string
  secrets: TestSecrets
  /** By file and kind of mark. */
  found: Map<string, FindCall>
}

/** Changes with the code that the transform writes, which Jest caches. */
const FORMAT = 'unplugin-kms/jest 1'

// Jest creates a transformer for each test file.
const projects = new Map<string, Project>()

subscribe(CHANNEL, (message) => {
  const request = message as JestRequest
  const project = projects.get(request.project)
  if (!project) return
  try {
    request.call = callsOf(project, request)(request.source, request.values)
  } catch (error) {
    request.error = error
  }
})

function callsOf({ rootDir, secrets, found }: Project, { file, isSync }: JestRequest): FindCall {
  const key = `${String(isSync)} ${file}`
  let calls = found.get(key)
  if (!calls) {
    const path = resolve(rootDir, file)
    calls = isSync ? secrets.blockingCallsIn(path, 'esm') : secrets.callsIn(path, 'esm')
    found.set(key, calls)
  }
  return calls
}

/** Creates the transformer. Jest calls this with the configuration of the transform. */
async function createTransformer(config: JestOptions = {}): Promise<JestTransformer> {
  const { transformer, config: file, ...options } = config
  const next = await loadTransformer(transformer)
  const source = { config: file, options: Object.keys(options).length ? options : undefined }

  /** Returns the module with bound marks. Called for modules in Jest's cache too. */
  const bound = (code: string, path: string, jest: TransformOptions): string => {
    const { id, rootDir } = jest.config
    if (!projects.has(id))
      projects.set(id, {
        rootDir,
        secrets: new TestSecrets({ ...source, root: rootDir }),
        found: new Map(),
      })
    return bindMarks(code, relative(rootDir, path).split(sep).join('/'), id) ?? code
  }
  const keyOf = (key: string, jest: TransformOptions) =>
    createHash('sha256').update([FORMAT, jest.config.id, key].join('\0')).digest('hex').slice(0, 32)

  return {
    canInstrument: next.transformer.canInstrument ?? false,
    process: (code, path, jest) =>
      next.transformer.process!(bound(code, path, jest), path, next.optionsOf(jest)),
    processAsync: async (code, path, jest) => {
      const { processAsync, process } = next.transformer
      const run = (processAsync ?? process)!.bind(next.transformer)
      return run(bound(code, path, jest), path, next.optionsOf(jest))
    },
    getCacheKey: (code, path, jest) =>
      keyOf(next.cacheKey(bound(code, path, jest), path, next.optionsOf(jest)), jest),
  }
}

const transformer = { createTransformer }
export { transformer as default, createTransformer, transformer as 'module.exports' }
