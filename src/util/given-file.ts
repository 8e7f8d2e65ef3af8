import { readFile } from 'node:fs/promises'
import { KmsBuildError } from '../errors.js'

/**
 * Throws the error for a path that the user named.
 *
 * @param expected what to give instead.
 * @throws KmsBuildError FILE_UNREADABLE; a KmsBuildError is thrown as it is.
 */
export function unreadable(
  path: string,
  error: unknown,
  expected = 'Give a file or folder that exists and that you may read.',
): never {
  if (error instanceof KmsBuildError) throw error
  const { code, message } = error as NodeJS.ErrnoException
  throw new KmsBuildError(
    'FILE_UNREADABLE',
    `${path} cannot be read (${code ?? message}). ${expected}`,
    undefined,
    { cause: error },
  )
}

/** Reads a file that the user named. @throws KmsBuildError FILE_UNREADABLE. */
export const readGivenFile = (path: string): Promise<Buffer> =>
  readFile(path).catch((error: unknown) =>
    unreadable(path, error, 'Give a file that exists and that you may read.'),
  )
