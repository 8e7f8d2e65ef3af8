import { relative, sep } from 'node:path'
import { secret } from '@unplugin-kms/runtime/secret'
import { nameOf, type Mark } from '../pipeline/collect/mark.js'
import type { BuildSession } from '../pipeline/session.js'
import { memoizeAsync } from '../util/memoize-async.js'
import { openBlocking } from './blocking.js'
import { failureOf } from './failure.js'
import { type Call, type FindCall, type Marker, markerOf } from './marker-of.js'
import { type FindMark, markFinder, marksIn, type ModuleFormat } from './marks-in.js'
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
    const marks = marksIn(path, file, format)
    const sync = marks.filter(isSync)
    const plaintexts = await this.#plaintexts(path, sync)
    return markerOf(calls(markFinder(file, marks), (mark) => plaintexts[sync.indexOf(mark)]!))
  }

  /** Does the same for CommonJS, which cannot wait: a worker thread opens the values meanwhile. */
  blockingMarker(path: string, format: ModuleFormat): Marker {
    return markerOf(this.blockingCallsIn(path, format))
  }

  /** Returns what finds the calls of a module's marks, whose values are opened when they are awaited. */
  callsIn(path: string, format: ModuleFormat): FindCall {
    const file = this.#fromRoot(path)
    const marks = marksIn(path, file, format)
    // One mark at a time, so that a mark without a value fails only those who await it.
    const plaintext = memoizeAsync((mark: Mark) => this.#plaintext(path, mark))
    return calls(markFinder(file, marks), (mark) => () => plaintext(mark))
  }

  /** Returns what finds the calls of a module's synchronous marks, whose values are opened before. */
  blockingCallsIn(path: string, format: ModuleFormat): FindCall {
    const file = this.#fromRoot(path)
    const marks = marksIn(path, file, format)
    const sync = marks.filter(isSync)
    const plaintexts = sync.length ? openBlocking({ source: this.#source, path, format }) : []
    return calls(markFinder(file, marks), (mark) => plaintexts[sync.indexOf(mark)]!)
  }

  /** Opens the synchronous marks of a module, in their order. */
  openSync(path: string, format: ModuleFormat): Promise<Uint8Array[]> {
    const marks = marksIn(path, this.#fromRoot(path), format)
    return this.#plaintexts(path, marks.filter(isSync))
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

const isSync = ({ sync }: Mark) => sync

const calls =
  (find: FindMark, plaintextOf: (mark: Mark) => Call['plaintext']): FindCall =>
  (source, values) => {
    const mark = find(source, values)
    return { label: nameOf(mark), as: asOf(mark), plaintext: plaintextOf(mark) }
  }
