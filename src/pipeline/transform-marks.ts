import { withEndpointVariant } from '../aws/configuration.js'
import type { OptionsResolved } from '../options/types.js'
import type { SecretsFile } from '../secrets-file/parse.js'
import { nameOf, type Mark } from './collect/mark.js'
import { devOpening } from './emit/dev.js'
import type { Opening } from './emit/emit.js'
import { openingOf } from './emit/shim.js'
import { recordOf, type ModuleRecord } from './module-registry.js'
import { devValue } from './resolve/dev-values.js'
import { resolve } from './resolve/resolve.js'
import type { Remote } from './resolve/types.js'
import type { Sealed, Sealer } from './seal/sealer.js'
import type { Timings } from './timings.js'

/** What sealing needs besides the module. */
export interface SealingContext {
  options: OptionsResolved
  secretsFile: SecretsFile | null
  sealer: Sealer
  remote: Remote
  timings: Timings
  /** Called with what is known of the module before anything is sealed. */
  onResolved: (record: ModuleRecord) => void
  /** Called with what the marks became. */
  onSealed: (sealed: Sealed[]) => Promise<void> | undefined
}

/** Resolves and seals the marks of a module, and returns the calls that open them. */
export async function sealedOpenings(
  marks: Mark[],
  path: string,
  context: SealingContext,
): Promise<Opening[]> {
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
  return marks.map((mark, index) => openingOf(mark, sealed[index]!, shim))
}

/** Returns the calls that give the development values of the marks. */
export const developmentOpenings = (
  marks: Mark[],
  values: NonNullable<OptionsResolved['devValues']>,
): Promise<Opening[]> =>
  Promise.all(
    marks.map(async (mark) => devOpening(await devValue(mark, values), nameOf(mark), mark.format)),
  )
