import { Buffer } from 'node:buffer'
import type { OutputAsset, OutputBundle, OutputChunk } from 'rollup'
import type { Plugin } from 'vite'
import { KmsBuildError } from '../errors.js'
import type { BuildSession } from '../pipeline/session.js'
import type { Target } from '../pipeline/target.js'
import { adviceFor } from './vite-client.js'

/** The parts of the contexts of Rollup, Rolldown and Vite that are needed. */
export interface EntriesContext {
  emitFile(file: { type: 'asset'; fileName: string; source: string }): string
}

/** Formats whose entries can be changed. The others have their own module loaders. */
const FORMATS: Record<string, 'esm' | 'cjs'> = {
  es: 'esm',
  esm: 'esm',
  module: 'esm',
  cjs: 'cjs',
  commonjs: 'cjs',
  umd: 'cjs',
  iife: 'cjs',
}

/**
 * Makes the entries of a bundle set the variables of the option `processEnv`.
 *
 * @returns the files of the bundle.
 * @throws KmsBuildError the errors of `EntryEnvironment.addTo`.
 */
export async function addEnvironment(
  { environment }: BuildSession,
  context: EntriesContext,
  bundle: OutputBundle,
  format: string | undefined,
  { platform, command }: Target,
): Promise<(OutputChunk | OutputAsset)[]> {
  const files = Object.values(bundle)
  if (!environment.isUsed || (platform === 'browser' && hasServer(context))) return files
  const changed = await environment.addTo({
    outputs: new Map(files.map((file) => [file.fileName, () => textOf(file)])),
    entries: files
      .filter((file) => file.type === 'chunk' && file.isEntry)
      .map(({ fileName }) => fileName),
    target: { platform, command, format: formatOf(format) },
  })
  for (const file of files) {
    const text = changed.get(file.fileName)
    if (text === undefined) continue
    changed.delete(file.fileName)
    if (file.type === 'chunk') file.code = text
    else file.source = text
  }
  for (const [fileName, source] of changed) {
    context.emitFile({ type: 'asset', fileName, source })
    files.push(bundle[fileName] ?? ({ type: 'asset', fileName, source } as OutputAsset))
  }
  return files
}

const textOf = (file: OutputChunk | OutputAsset): string => {
  if (file.type === 'chunk') return file.code
  return typeof file.source === 'string' ? file.source : Buffer.from(file.source).toString()
}

function formatOf(format = 'es'): 'esm' | 'cjs' {
  const known = FORMATS[format]
  if (known) return known
  throw new KmsBuildError(
    'ENTRY_UNSUITABLE',
    `option processEnv cannot change entries of the format '${format}'. Set output.format to 'es' or 'cjs'.`,
  )
}

/** Returns whether Vite builds the browser part of an app whose server sets the variables. */
function hasServer(context: object): boolean {
  const { environment } = context as { environment?: ViteBuildEnvironment }
  if (!environment) return false
  const { environments } = environment.getTopLevelConfig()
  return (
    adviceFor(environment.config.plugins) !== undefined ||
    Object.values(environments).some(({ consumer }) => consumer === 'server')
  )
}

interface ViteBuildEnvironment {
  config: { plugins: readonly Plugin[] }
  getTopLevelConfig(): { environments: Record<string, { consumer: string }> }
}
