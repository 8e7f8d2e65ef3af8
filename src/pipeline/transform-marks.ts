import { withEndpointVariant } from '../aws/configuration.js'
import type { OptionsResolved } from '../options/types.js'
import type { SecretsFile } from '../secrets-file/parse.js'
import { nameOf, type Collected } from './collect/mark.js'
import { devOpening } from './emit/dev.js'
import { emit, type Emitted } from './emit/emit.js'
import { openingOf } from './emit/shim.js'
import { refusedOpening, type ClientMark } from './leak-check/client-bundle.js'
import { recordOf, type ModuleRecord } from './module-registry.js'
import { devValue } from './resolve/dev-values.js'
import { resolve } from './resolve/resolve.js'
import type { Remote } from './resolve/types.js'
import type { Sealed, Sealer } from './seal/sealer.js'
import type { ModuleHost } from './target.js'
import type { Timings } from './timings.js'

/** A module whose marks were collected. */
export interface MarkedModule {
  code: string
  /** Path without a query. */
  path: string
  collected: Collected
}

/** What sealing needs besides the module. */
export interface SealingContext {
  options: OptionsResolved
  secretsFile: SecretsFile | null
  sealer: Sealer
  remote: Remote
  timings: Timings
  requestOf: ModuleHost['requestOf']
  /** Called with what is known of the module before anything is sealed. */
  onResolved: (record: ModuleRecord) => void
  /** Called with what the marks became. */
  onSealed: (sealed: Sealed[]) => Promise<void> | undefined
}

/** Resolves and seals the marks of a module, and replaces them by calls of the shim. */
export async function transformMarks(
  { code, path, collected }: MarkedModule,
  context: SealingContext,
): Promise<Emitted> {
  const { marks } = collected
  const { options, secretsFile, sealer, remote, timings } = context
  const sources = {
    env: options.env,
    secretsFile,
    secretsFilePath: options.secretsFile.path,
    scopes: options.scopes,
    keyIds: sealer.keyIdsOf(secretsFile),
    remote,
  }
  const values = await timings.timed('resolve', () =>
    Promise.all(marks.map((mark) => resolve(mark, path, sources))),
  )
  context.onResolved(recordOf(marks, values, options))
  const sealed = await timings.timed('seal', () =>
    Promise.all(marks.map((mark, index) => sealer.seal(mark, values[index]!, secretsFile))),
  )
  await context.onSealed(sealed)
  const shim = { runtime: options.runtime, aws: await withEndpointVariant(options.aws) }
  const openings = marks.map((mark, index) => openingOf(mark, sealed[index]!, shim))
  return timings.timed('emit', () => emit(code, path, collected, openings, context.requestOf))
}

/** Replaces the marks of a module by their development values. */
export async function transformForDevelopment(
  { code, path, collected }: MarkedModule,
  values: NonNullable<OptionsResolved['devValues']>,
): Promise<Emitted> {
  const openings = await Promise.all(
    collected.marks.map(async (mark) =>
      devOpening(await devValue(mark, values), nameOf(mark), mark.format),
    ),
  )
  return emit(code, path, collected, openings)
}

/** Replaces the marks of a browser's module by calls that throw; the leak check looks for them. */
export const transformForClient = (
  { code, path, collected }: MarkedModule,
  marks: ClientMark[],
  requestOf: ModuleHost['requestOf'],
): Emitted => emit(code, path, collected, marks.map(refusedOpening), requestOf)
