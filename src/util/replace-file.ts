import { randomBytes } from 'node:crypto'
import { open, realpath, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { KmsBuildError } from '../errors.js'

/**
 * Replaces a file in one step: whoever reads it, after whatever crash, sees the old content or the
 * new, whole. A link stays a link, and the file keeps its mode. The new content stands in a second
 * file for a moment, so it must hold no plaintext.
 *
 * @throws KmsBuildError FILE_UNWRITABLE; the file is then as it was.
 */
export async function replaceFile(path: string, content: string): Promise<void> {
  const target = await realpath(path).catch(() => path)
  const temporary = `${target}.${randomBytes(6).toString('hex')}.tmp`
  try {
    const mode = await stat(target).then(
      ({ mode }) => mode & 0o7777,
      () => undefined,
    )
    const handle = await open(temporary, 'wx', mode)
    try {
      // The umask has taken from it what it takes from a new file.
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

const REASONS: Record<string, string> = {
  EACCES: 'you have no permission to write there',
  EPERM: 'you have no permission to write there',
  EROFS: 'it lies on a read-only file system',
  ENOSPC: 'the disk is full',
  EDQUOT: 'your disk quota is used up',
  EFBIG: 'it would grow beyond the allowed size',
  ENOENT: 'its folder does not exist',
  ENOTDIR: 'its folder does not exist',
}

/** What stood in the way of writing a file, the file itself being as it was. */
export function unwritable(path: string, error: unknown): KmsBuildError {
  const { code = '' } = error as NodeJS.ErrnoException
  return new KmsBuildError(
    'FILE_UNWRITABLE',
    `${path} cannot be written (${code}): ${REASONS[code] ?? 'see the code'}. Nothing was changed; mend that and run the command again.`,
    undefined,
    { cause: error },
  )
}

/** Makes a rename outlive a power cut; not every system lets a folder be opened for that. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path).catch(() => null)
  await folder?.sync().catch(() => {})
  await folder?.close()
}
