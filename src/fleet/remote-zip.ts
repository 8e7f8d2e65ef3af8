import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { RandomAccessReader, fromRandomAccessReaderPromise, type ZipFile } from 'yauzl'
import { attemptTimeout } from '../aws/deadline.js'
import { requestHandlerOf } from '../aws/request-handler.js'
import type { AwsOptions } from '../options/types.js'

/** Bytes per request for directories and small entries. Larger entries are streamed. */
const BLOCK = 128 << 10
/** Blocks that are kept: the directory's and the entries' are read alternately. */
const KEPT_BLOCKS = 2
const ATTEMPTS = 5
const FIRST_DELAY_MS = 100

interface Block {
  start: number
  bytes: Buffer
}

/** Reads a zip over HTTP by ranges, so that neither memory nor disk contains the complete file. */
class HttpRangeReader extends RandomAccessReader {
  readonly #url: URL
  readonly #aws: AwsOptions
  #size = 0
  /** The blocks that were used last, latest first. */
  #blocks: Block[] = []

  constructor(url: string, aws: AwsOptions) {
    super()
    this.#url = new URL(url)
    this.#aws = aws
  }

  /** Reads the end of the file, which contains the zip's directory. @returns the size in bytes. */
  async begin(): Promise<number> {
    const { bytes, range } = await patiently(async () => {
      const body = await this.#request(`bytes=-${BLOCK}`)
      return { bytes: await bytesOf(body.body), range: body.range }
    })
    const [, start, size] = /bytes (\d+)-\d+\/(\d+)/.exec(range) ?? []
    if (size === undefined) throw new Error('the server does not serve ranges')
    this.#size = Number(size)
    this.#keep({ start: Number(start), bytes })
    return this.#size
  }

  override _readStreamForRange(start: number, end: number): Readable {
    return Readable.from(this.#pieces(start, end), { objectMode: false })
  }

  async *#pieces(start: number, end: number): AsyncGenerator<Buffer> {
    for (let at = start; at < end;) {
      const known = this.#known(at)
      if (!known && end - at > BLOCK) return yield* this.#stream(at, end)
      const block = known ?? (await this.#fetch(at))
      this.#keep(block)
      const bytes = block.bytes.subarray(at - block.start, end - block.start)
      if (!bytes.length) throw new Error('the server sent less than the range')
      yield bytes
      at += bytes.length
    }
  }

  /** Yields a range as it arrives. Asks for the rest again if the connection ends early. */
  async *#stream(start: number, end: number): AsyncGenerator<Buffer> {
    let at = start
    for (let attempt = 1; at < end; attempt++) {
      try {
        const { body } = await this.#request(`bytes=${at}-${end - 1}`)
        for await (const bytes of body as AsyncIterable<Buffer>) {
          at += bytes.length
          yield bytes
        }
        if (at < end) throw new TransientError('the server sent less than the range')
      } catch (error) {
        await waitToRetry(error, attempt)
      }
    }
  }

  #known(at: number): Block | undefined {
    return this.#blocks.find(({ start, bytes }) => at >= start && at < start + bytes.length)
  }

  async #fetch(at: number): Promise<Block> {
    const last = Math.min(at + BLOCK, this.#size) - 1
    const bytes = await patiently(async () =>
      bytesOf((await this.#request(`bytes=${at}-${last}`)).body),
    )
    return { start: at, bytes }
  }

  #keep(block: Block): void {
    this.#blocks = [block, ...this.#blocks.filter((other) => other !== block)].slice(0, KEPT_BLOCKS)
  }

  /** @throws TransientError if another attempt may succeed. */
  async #request(range: string): Promise<{ body: Readable; range: string }> {
    const { protocol, hostname, port, pathname, search } = this.#url
    const answer = requestHandlerOf(this.#aws).handle({
      method: 'GET',
      protocol,
      hostname,
      ...(port && { port: Number(port) }),
      path: pathname + search,
      query: {},
      headers: { range, host: this.#url.host },
    } as never)
    const { response } = await answer.catch((error: Error) => {
      throw new TransientError(error.message || error.name)
    })
    const body = response.body as IncomingMessage
    body.setTimeout(attemptTimeout(), () =>
      body.destroy(new TransientError('the server stopped sending')),
    )
    const { statusCode } = response
    if (statusCode === 206) return { body, range: response.headers['content-range'] ?? '' }
    body.destroy()
    const isTransient = statusCode === 429 || statusCode >= 500
    throw new (isTransient ? TransientError : Error)(`HTTP ${statusCode}`)
  }
}

/** A failure that another attempt may not have. */
class TransientError extends Error {
  override readonly name = 'TransientError'
}

async function bytesOf(body: Readable): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of body) parts.push(part as Buffer)
  return Buffer.concat(parts)
}

/** Runs a request again as long as it fails for a reason that passes. */
async function patiently<T>(request: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await request()
    } catch (error) {
      await waitToRetry(error, attempt)
    }
  }
}

/** @throws the error if the request should not be made again. */
async function waitToRetry(error: unknown, attempt: number): Promise<void> {
  const { code = '' } = error as NodeJS.ErrnoException
  const isTransient =
    error instanceof TransientError || /^E(CONNRESET|PIPE)$|^ERR_STREAM/.test(code)
  if (!isTransient || attempt >= ATTEMPTS) throw error
  await delay(FIRST_DELAY_MS * 2 ** attempt * (0.5 + Math.random() / 2))
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
