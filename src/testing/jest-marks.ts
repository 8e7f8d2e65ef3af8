// Imported by modules that the Jest transform changed; runs in Jest's environment.
import { channel } from 'node:diagnostics_channel'
import type { Source } from '../pipeline/collect/mark.js'
import { CHANNEL, type JestRequest } from './jest-channel.js'
import { type FindCall, markerOf } from './marker-of.js'

/** See `UNTRANSFORMED` of the marker. */
const UNTRANSFORMED = Symbol.for('unplugin-kms.untransformed')

type Marks = Record<string | symbol, unknown>

/**
 * Returns the marker for one module, or the mock that a test made of it.
 *
 * @param marker what the module imported: the marker, or a namespace that contains it.
 * @param file the module's path, relative to the root of the Jest project.
 * @param project identifies the Jest project.
 */
export function marks<T>(marker: T, file: string, project: string): T {
  const imported = marker as Marks
  if (typeof marker === 'object' && marker !== null && 'secret' in imported)
    return { ...imported, secret: marks(imported.secret, file, project) } as T
  const isSync = typeof marker === 'function' ? imported[UNTRANSFORMED] : undefined
  if (typeof isSync !== 'boolean') return marker
  const real = markerOf(finder(file, project, isSync))
  for (const name of Object.keys(real) as Exclude<Source, 'literal'>[]) {
    const mark = imported[name] as Marks
    // A spy: `jest.spyOn(secret, 'env')`.
    if (mark[UNTRANSFORMED] === undefined) Object.assign(real, { [name]: mark })
  }
  return real as T
}

const finder =
  (file: string, project: string, isSync: boolean): FindCall =>
  (source, values) => {
    const request: JestRequest = { project, file, isSync, source, values }
    channel(CHANNEL).publish(request)
    if (request.call) return request.call
    throw ownError(request.error)
  }

/** Returns an error of this environment, for which `instanceof Error` is true. */
function ownError(error: unknown): Error {
  const { name, message, code } = (error ?? {}) as { [key: string]: string | undefined }
  const text = message ?? 'the module was not transformed by unplugin-kms/jest in this process'
  return Object.assign(new Error(text), { name: name ?? 'Error', ...(code && { code }) })
}
