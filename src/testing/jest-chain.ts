import { createHash } from 'node:crypto'
import { createRequire } from 'node:module'
import { isAbsolute, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { KmsBuildError } from '../errors.js'
import { installCommand } from '../util/install-command.js'

/** What this package reads of the options that Jest passes to a transform. */
export interface TransformOptions {
  config: { id: string; rootDir: string }
  configString: string
  instrument: boolean
  supportsStaticESM: boolean
  transformerConfig: unknown
}

type Process<Result> = (code: string, path: string, options: TransformOptions) => Result
type TransformResult = { code: string; map?: unknown }

/** A transformer, as Jest defines it. */
export interface JestTransformer {
  canInstrument?: boolean
  process?: Process<TransformResult>
  processAsync?: Process<Promise<TransformResult> | TransformResult>
  getCacheKey?: Process<string>
}

interface Next {
  transformer: JestTransformer
  /** Returns the options as the transformer expects them, with its own configuration. */
  optionsOf(options: TransformOptions): TransformOptions
  cacheKey: Process<string>
}

/** Loads the transform that compiles what this one returns. @throws KmsBuildError PACKAGE_MISSING. */
export async function loadTransformer(
  given: string | [name: string, config: Record<string, unknown>] = 'babel-jest',
): Promise<Next> {
  const [name, config = {}] = typeof given === 'string' ? [given] : given
  const loaded = interop(await import(pathToFileURL(find(name)).href)) as JestTransformer & {
    createTransformer?: (config: unknown) => JestTransformer | Promise<JestTransformer>
  }
  const transformer = (await loaded.createTransformer?.(config)) ?? loaded
  return {
    transformer,
    optionsOf: (options) => ({ ...options, transformerConfig: config }),
    cacheKey: (code, path, options) =>
      transformer.getCacheKey?.(code, path, options) ??
      createHash('sha256')
        .update([code, path, options.configString, String(options.instrument), name].join('\0'))
        .update(JSON.stringify([config, options.supportsStaticESM]))
        .digest('hex'),
  }
}

/** Returns the default export, also of CommonJS that was compiled from an ES module. */
function interop(namespace: { default?: unknown }): unknown {
  const exported = namespace.default ?? namespace
  const inner = exported as { __esModule?: boolean; default?: unknown }
  return inner.__esModule && inner.default ? inner.default : exported
}

/** Jest depends on babel-jest through these, which strict package managers hide. */
const WAY_TO_BABEL = ['jest', '@jest/core', 'jest-config']

function find(name: string): string {
  if (isAbsolute(name)) return name
  let from = join(process.cwd(), 'package.json')
  try {
    return createRequire(from).resolve(name)
  } catch (error) {
    try {
      if (name !== 'babel-jest') throw error
      for (const step of WAY_TO_BABEL) from = createRequire(from).resolve(step)
      return createRequire(from).resolve(name)
    } catch {
      throw new KmsBuildError(
        'PACKAGE_MISSING',
        `the Jest transform ${name}, which the option transformer of unplugin-kms/jest names, is not installed. Install it: ${installCommand(name)}`,
        undefined,
        { cause: error },
      )
    }
  }
}
