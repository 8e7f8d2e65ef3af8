import { Readable } from 'node:stream'
import { RandomAccessReader, fromRandomAccessReaderPromise, type ZipFile } from 'yauzl'
import { requestHandlerOf } from '../aws/request-handler.js'
import type { AwsOptions } from '../options/types.js'

/** Bytes per request. Zip directories and small entries are read with few requests. */
const BLOCK = 256 << 10

/** Reads a zip over HTTP by ranges, so that neither memory nor disk contains it as a whole. */
class HttpRangeReader extends RandomAccessReader {
  readonly #url: URL
  readonly #aws: AwsOptions
  #size = 0
  /** The last block that was read. */
  #block: { start: number; bytes: Buffer } | undefined

  constructor(url: string, aws: AwsOptions) {
    super()
    this.#url = new URL(url)
    this.#aws = aws
  }

  /** Reads the end of the file, which contains the zip's directory. @returns the size in bytes. */
  async begin(): Promise<number> {
    const { bytes, range } = await this.#request(`bytes=-${BLOCK}`)
    const [, start, size] = /bytes (\d+)-\d+\/(\d+)/.exec(range) ?? []
    if (size === undefined) throw new Error('the server does not serve ranges')
    this.#size = Number(size)
    this.#block = { start: Number(start), bytes }
    return this.#size
  }

  override _readStreamForRange(start: number, end: number): Readable {
    return Readable.from(this.#blocks(start, end))
  }

  async *#blocks(start: number, end: number): AsyncGenerator<Buffer> {
    for (let at = start; at < end;) {
      const block = await this.#blockAt(at)
      const bytes = block.bytes.subarray(at - block.start, end - block.start)
      if (!bytes.length) throw new Error('the server sent less than the range')
      yield bytes
      at += bytes.length
    }
  }

  async #blockAt(at: number) {
    const known = this.#block
    if (known && at >= known.start && at < known.start + known.bytes.length) return known
    const last = Math.min(at + BLOCK, this.#size) - 1
    const { bytes } = await this.#request(`bytes=${at}-${last}`)
    return (this.#block = { start: at, bytes })
  }

  async #request(range: string): Promise<{ bytes: Buffer; range: string }> {
    const { protocol, hostname, port, pathname, search } = this.#url
    const { response } = await requestHandlerOf(this.#aws).handle({
      method: 'GET',
      protocol,
      hostname,
      ...(port && { port: Number(port) }),
      path: pathname + search,
      query: {},
      headers: { range, host: this.#url.host },
    } as never)
    const body = response.body as Readable
    if (response.statusCode !== 206) {
      body.destroy()
      throw new Error(`HTTP ${response.statusCode}`)
    }
    const blocks: Buffer[] = []
    for await (const block of body) blocks.push(block as Buffer)
    return { bytes: Buffer.concat(blocks), range: response.headers['content-range'] ?? '' }
  }
}

/**
 * Opens a zip at a presigned URL.
 *
 * @throws Error if the server or the zip is not usable. The message does not contain the URL.
 */
export async function openRemoteZip(url: string, aws: AwsOptions): Promise<ZipFile> {
  const reader = new HttpRangeReader(url, aws)
  return fromRandomAccessReaderPromise(reader, await reader.begin(), { autoClose: false })
}
