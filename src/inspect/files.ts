import { createReadStream } from 'node:fs'
import { open, readdir, stat } from 'node:fs/promises'
import { basename, join, relative, sep } from 'node:path'
import type { Readable } from 'node:stream'
import { KmsBuildError } from '../errors.js'

/** A file to be read: on disk, or packed in an archive. */
export interface BuiltFile {
  /** Its path below what was asked for, with `/`; an archive's entry follows the archive's own. */
  name: string
  size: number
  content: () => AsyncIterable<Buffer>
}

const BLOCK = 256 * 1024

/**
 * All files of these paths, in the order of their names: a file itself, a folder's files, the
 * entries of a zip, of one in a folder too. One path gives names relative to itself, several keep
 * the path as it was given.
 *
 * @throws KmsBuildError FILE_UNREADABLE.
 */
export async function* builtFiles(paths: string[]): AsyncGenerator<BuiltFile> {
  for (const path of paths) {
    const info = await stat(path).catch((error: unknown) => unreadable(path, error))
    const prefix = paths.length > 1 ? `${path.split(sep).join('/').replace(/\/+$/, '')}` : ''
    if (!info.isDirectory()) {
      yield* fileOrArchive(path, prefix || basename(path), prefix)
      continue
    }
    for (const file of await filesBelow(path)) {
      const name = [prefix, relative(path, file).split(sep).join('/')].filter(Boolean).join('/')
      yield* fileOrArchive(file, name, name)
    }
  }
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(
    (error: unknown) => unreadable(folder, error),
  )
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
}

async function* fileOrArchive(path: string, name: string, inside: string) {
  if (await isZip(path)) return yield* entriesOf(path, inside)
  const { size } = await stat(path)
  yield {
    name,
    size,
    content: () => readable(path, async () => createReadStream(path, { highWaterMark: BLOCK })),
  }
}

async function isZip(path: string): Promise<boolean> {
  const handle = await open(path).catch((error: unknown) => unreadable(path, error))
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(4), 0, 4, 0)
    return bytesRead === 4 && buffer.toString('latin1') === 'PK\x03\x04'
  } catch (error) {
    return unreadable(path, error)
  } finally {
    await handle.close()
  }
}

async function* entriesOf(path: string, prefix: string): AsyncGenerator<BuiltFile> {
  const { openPromise } = await import('yauzl')
  try {
    const zip = await openPromise(path, { autoClose: false })
    try {
      for await (const entry of zip.eachEntry()) {
        if (entry.fileName.endsWith('/')) continue
        yield {
          name: [prefix, entry.fileName].filter(Boolean).join('/'),
          size: entry.uncompressedSize,
          content: () => readable(path, async () => zip.openReadStreamPromise(entry)),
        }
      }
    } finally {
      zip.close()
    }
  } catch (error) {
    unreadable(path, error)
  }
}

async function* readable(path: string, begin: () => Promise<Readable>): AsyncGenerator<Buffer> {
  try {
    yield* (await begin()) as AsyncIterable<Buffer>
  } catch (error) {
    unreadable(path, error)
  }
}

function unreadable(path: string, error: unknown): never {
  if (error instanceof KmsBuildError) throw error
  const { code, message } = error as NodeJS.ErrnoException
  throw new KmsBuildError(
    'FILE_UNREADABLE',
    `${path} cannot be read (${code ?? message}). Give a built bundle, a source map, a zip, or a folder of them.`,
    undefined,
    { cause: error },
  )
}
