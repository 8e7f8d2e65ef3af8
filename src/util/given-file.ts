import { readFile } from 'node:fs/promises'
import { KmsBuildError } from '../errors.js'

/** Reads a file that the user named. @throws KmsBuildError FILE_UNREADABLE. */
export const readGivenFile = (path: string): Promise<Buffer> =>
  readFile(path).catch((error: NodeJS.ErrnoException) => {
    throw new KmsBuildError(
      'FILE_UNREADABLE',
      `${path} cannot be read (${error.code}). Give a file that is there and that you may read.`,
    )
  })
