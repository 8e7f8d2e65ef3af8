import { createReadStream } from 'node:fs'
import { open, realpath, stat } from 'node:fs/promises'
import { basename, isAbsolute, relative, sep } from 'node:path'
import type { Readable } from 'node:stream'
import { crc32 } from 'node:zlib'
import type { ZipFile } from 'yauzl'
import { unreadable as unreadablePath } from '../util/given-file.js'
import { filesBelow } from '../util/walk.js'

/** A file on disk, or an entry of a zip file. */
export interface BuiltFile {
  /** Path of the file relative to the inspected path, with `/`. An entry of a zip starts with the path of the zip. */
  name: string
  size: number
  content: () => AsyncIterable<Buffer>
}

const BLOCK = 256 * 1024

const unreadable = (path: string, error: unknown): never =>
  unreadablePath(path, error, 'Give a built bundle, a source map, a zip file, or a folder of them.')

/**
 * Yields the files of the paths, sorted by name: files, files in folders, and entries of zip files. With
 * one path, names are relative to it. With several, names start with the path as given.
 *
 * @param notFollowed receives the symbolic links that point out of their folder. They are not read,
 *   because a bundle may be hostile. The targets of other links are read by their own names.
 * @throws KmsBuildError FILE_UNREADABLE.
 */
export async function* builtFiles(
  paths: string[],
  notFollowed: string[],
): AsyncGenerator<BuiltFile> {
  for (const path of paths) {
    const info = await stat(path).catch((error: unknown) => unreadable(path, error))
    const prefix = paths.length > 1 ? `${path.split(sep).join('/').replace(/\/+$/, '')}` : ''
    if (!info.isDirectory()) {
      if (!info.isFile()) unreadable(path, new Error('it is not a regular file'))
      yield* fileOrArchive(path, prefix || basename(path), prefix)
      continue
    }
    const nameOf = (file: string) =>
      [prefix, relative(path, file).split(sep).join('/')].filter(Boolean).join('/')
    const links: string[] = []
    const files = await filesBelow(path, { onLink: (link) => links.push(link) })
    for (const link of links) if (await pointsOutside(link, path)) notFollowed.push(nameOf(link))
    for (const file of files) yield* fileOrArchive(file, nameOf(file), nameOf(file))
  }
}

/** Returns whether a link points out of a folder. Dangling and circular links do not. */
async function pointsOutside(link: string, folder: string): Promise<boolean> {
  const target = await realpath(link).catch(({ code }: NodeJS.ErrnoException) =>
    code === 'ENOENT' || code === 'ELOOP' ? link : sep,
  )
  if (target === link) return false
  const path = relative(await realpath(folder), target)
  return isAbsolute(path) || path.split(sep)[0] === '..'
}

async function* fileOrArchive(path: string, name: string, inside: string) {
  if (/\.zip$/i.test(path) || (await startsAsZip(path))) return yield* entriesOf(path, inside)
  const { size } = await stat(path)
  yield {
    name,
    size,
    content: () => readable(path, async () => createReadStream(path, { highWaterMark: BLOCK })),
  }
}

async function startsAsZip(path: string): Promise<boolean> {
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
  const zip = await openZip(path).catch((error: unknown) => unreadable(path, error))
  try {
    yield* entriesOfZip(zip, path, prefix)
  } finally {
    zip.close()
  }
}

/** Opens a zip file. The caller closes it. */
export async function openZip(path: string): Promise<ZipFile> {
  const { openPromise } = await import('yauzl')
  return openPromise(path, { autoClose: false })
}

/**
 * Yields the files of an open zip.
 *
 * @param path names the zip in errors.
 * @throws KmsBuildError FILE_UNREADABLE.
 */
export async function* entriesOfZip(
  zip: ZipFile,
  path: string,
  prefix: string,
): AsyncGenerator<BuiltFile> {
  try {
    for await (const entry of zip.eachEntry()) {
      if (entry.fileName.endsWith('/')) continue
      yield {
        name: [prefix, entry.fileName].filter(Boolean).join('/'),
        size: entry.uncompressedSize,
        content: () => readable(path, () => zip.openReadStreamPromise(entry), entry.crc32),
      }
    }
  } catch (error) {
    unreadable(path, error)
  }
}

/** Yields the content of a file. yauzl does not compare the checksum of an entry, so this does. */
async function* readable(
  path: string,
  begin: () => Promise<Readable>,
  checksum?: number,
): AsyncGenerator<Buffer> {
  try {
    let actual = 0
    for await (const part of (await begin()) as AsyncIterable<Buffer>) {
      if (checksum !== undefined) actual = crc32(part, actual)
      yield part
    }
    if (checksum !== undefined && actual !== checksum) throw new Error('wrong checksum')
  } catch (error) {
    unreadable(path, error)
  }
}
