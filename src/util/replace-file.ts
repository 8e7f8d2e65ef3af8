import { randomBytes } from 'node:crypto'
import { open, realpath, rename, rm, stat } from 'node:fs/promises'
import { dirname, isAbsolute, relative } from 'node:path'
import { KmsBuildError } from '../errors.js'

/**
 * What to do about symbolic links: write through any link, or only through one whose target is in
 * the folder that the path names. A generated file must not overwrite a file outside the project.
 */
export type Links = 'follow links' | 'stay in folder'

/**
 * Replaces a file in one step: readers see the complete old content or the complete new one, also
 * after a crash. A link stays a link, and the file keeps its mode. The new content is in a second
 * file for a moment, so it must not contain a plaintext.
 *
 * @throws KmsBuildError FILE_UNWRITABLE; the file is then unchanged.
 */
export async function replaceFile(
  path: string,
  content: string,
  links: Links = 'stay in folder',
): Promise<void> {
  const target = await targetOf(path, links)
  const temporary = `${target}.${randomBytes(6).toString('hex')}.tmp`
  try {
    const mode = await stat(target).then(
      ({ mode }) => mode & 0o7777,
      () => undefined,
    )
    const handle = await open(temporary, 'wx', mode)
    try {
      // The umask may have removed bits from the mode.
      if (mode !== undefined) await handle.chmod(mode).catch(() => {})
      await handle.writeFile(content)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(temporary, target)
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {})
    throw unwritable(path, error)
  }
  await syncFolder(dirname(target))
}

/**
 * Returns the file that a path resolves to; the path itself if there is no file yet.
 *
 * @throws KmsBuildError FILE_UNWRITABLE if a link points out of the path's folder and must not.
 */
export async function targetOf(path: string, links: Links): Promise<string> {
  const target = await realpath(path).catch(() => path)
  if (links === 'follow links' || target === path) return target
  const folder = await realpath(dirname(path)).catch(() => dirname(path))
  const inside = relative(folder, target)
  if (!inside.startsWith('..') && !isAbsolute(inside)) return target
  throw new KmsBuildError(
    'FILE_UNWRITABLE',
    `${path} is a symbolic link to ${target}, outside its folder. Nothing was written; replace the link by a file, or name the target itself.`,
  )
}

const REASONS: Record<string, string> = {
  EACCES: 'you have no permission to write there',
  EPERM: 'you have no permission to write there',
  EROFS: 'it is on a read-only file system',
  ENOSPC: 'the disk is full',
  EDQUOT: 'your disk quota is used up',
  EFBIG: 'it would exceed the allowed size',
  ENOENT: 'its folder does not exist',
  ENOTDIR: 'its folder does not exist',
}

/** Returns the error for a file that cannot be written and is unchanged. */
export function unwritable(path: string, error: unknown): KmsBuildError {
  const { code = '' } = error as NodeJS.ErrnoException
  return new KmsBuildError(
    'FILE_UNWRITABLE',
    `${path} cannot be written (${code}): ${REASONS[code] ?? 'see the code'}. Nothing was changed; correct that and run the command again.`,
    undefined,
    { cause: error },
  )
}

/** Makes a rename survive a power failure. Not every system lets a folder be opened for that. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path).catch(() => null)
  await folder?.sync().catch(() => {})
  await folder?.close()
}
