import { relative, sep } from 'node:path'
import { secret } from '@unplugin-kms/runtime/secret'
import { KmsBuildError } from '../errors.js'
import { nameOf, type Mark } from '../pipeline/collect/mark.js'
import { callKey } from '../pipeline/collect/served.js'
import type { BuildSession } from '../pipeline/session.js'
import { memoizeAsync } from '../util/memoize-async.js'
import { openBlocking } from './blocking.js'
import { failureOf } from './failure.js'
import { type Call, type FindCall, type Marker, markerOf } from './marker-of.js'
import { marksIn, type ModuleFormat } from './marks-in.js'
import { loadOptions, type OptionsSource } from './options.js'

/**
 * The secrets of modules that run without a bundler. Their marks are read from their source files
 * when they are loaded, and resolved, sealed and opened when they are first awaited.
 */
export class TestSecrets {
  readonly #source: OptionsSource
  #session: Promise<BuildSession> | undefined

  constructor(source: OptionsSource) {
    this.#source = source
  }

  /**
   * Returns the marker `unplugin-kms/secret` for one module.
   *
   * @param path the module's file.
   * @throws KmsBuildError as a build would, for a mark that it could not read.
   */
  marker(path: string, format: ModuleFormat): Marker {
    return markerOf(this.callsIn(path, format))
  }

  /** Returns the marker `unplugin-kms/secret/sync` for one module, whose values are opened before. */
  async syncMarker(path: string, format: ModuleFormat): Promise<Marker> {
    const file = this.#fromRoot(path)
    const marks = marksIn(path, file, format, true)
    const plaintexts = await this.#plaintexts(path, marks)
    return markerOf(finder(file, marks, (mark) => plaintexts[marks.indexOf(mark)]!))
  }

  /** Does the same for CommonJS, which cannot wait: a worker thread opens the values meanwhile. */
  blockingMarker(path: string, format: ModuleFormat): Marker {
    return markerOf(this.blockingCallsIn(path, format))
  }

  /** Returns what finds the calls of a module's marks, whose values are opened when they are awaited. */
  callsIn(path: string, format: ModuleFormat): FindCall {
    const file = this.#fromRoot(path)
    const marks = marksIn(path, file, format, false)
    // One mark at a time, so that a mark without a value fails only those who await it.
    const plaintext = memoizeAsync((mark: Mark) => this.#plaintext(path, mark))
    return finder(file, marks, (mark) => () => plaintext(mark))
  }

  /** Returns what finds the calls of a module's synchronous marks, whose values are opened before. */
  blockingCallsIn(path: string, format: ModuleFormat): FindCall {
    const file = this.#fromRoot(path)
    const marks = marksIn(path, file, format, true)
    const plaintexts = marks.length ? openBlocking({ source: this.#source, path, format }) : []
    return finder(file, marks, (mark) => plaintexts[marks.indexOf(mark)]!)
  }

  /** Opens the synchronous marks of a module, in their order. */
  openSync(path: string, format: ModuleFormat): Promise<Uint8Array[]> {
    return this.#plaintexts(path, marksIn(path, this.#fromRoot(path), format, true))
  }

  async #plaintexts(path: string, marks: Mark[]): Promise<Uint8Array[]> {
    const opened = marks.map(async (mark) => {
      let plaintext: Uint8Array
      // Checks that it is the text or JSON that the mark asks for.
      await secret(nameOf(mark), asOf(mark), async () =>
        Buffer.from((plaintext = await this.#plaintext(path, mark))),
      )
      return plaintext!
    })
    return Promise.all(opened)
  }

  async #plaintext(path: string, mark: Mark): Promise<Uint8Array> {
    try {
      const session = await (this.#session ??= this.#start())
      const { openMark } = await import('./open-mark.js')
      return await openMark(mark, path, session)
    } catch (error) {
      throw failureOf(error)
    }
  }

  async #start(): Promise<BuildSession> {
    const { BuildSession } = await import('../pipeline/session.js')
    const session = new BuildSession(await loadOptions(this.#source))
    session.setRoot(this.#source.root)
    session.outputs.leave()
    return session
  }

  #fromRoot(path: string): string {
    return relative(this.#source.root, path).split(sep).join('/')
  }
}

const asOf = ({ format }: Mark) => (format === 'text' ? undefined : format)

/**
 * Returns a function that finds the mark of a call.
 *
 * @param file shown in the error of a call that belongs to no mark.
 */
function finder(
  file: string,
  marks: Mark[],
  plaintextOf: (mark: Mark) => Call['plaintext'],
): FindCall {
  const byKey = new Map(marks.map((mark) => [callKey(mark.source, mark.values), mark]))
  return (source, values) => {
    const known = source === 'literal' ? [`${values[0] as string}`] : values
    const mark = byKey.get(callKey(source, known))
    if (mark) return { label: nameOf(mark), as: asOf(mark), plaintext: plaintextOf(mark) }
    const name = source === 'literal' ? 'secret' : `secret.${source}`
    throw new KmsBuildError(
      'MARK_UNTRANSFORMED',
      `${file} has no mark ${name}(…) with these arguments.`,
    )
  }
}
