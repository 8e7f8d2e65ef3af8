import { isUtf8 } from 'node:buffer'
import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { foreignCiphertext } from '../../util/foreign-ciphertext.js'
import { isUtf16 } from '../../util/utf16.js'
import type { Mark } from '../collect/mark.js'
import { plaintextOf } from './plaintext.js'
import { refuse } from './refuse.js'

/** Returns the path of the file of a `secret.file` mark, which is relative to its module. */
export const fileOf = ({ argument }: Mark, id: string) => resolve(dirname(id), argument)

/** Reads the file of a mark. @throws KmsBuildError FILE_UNREADABLE, and the errors of `plaintextOf`. */
export async function fromFile(mark: Mark, id: string) {
  const path = fileOf(mark, id)
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) =>
    refuse(
      'FILE_UNREADABLE',
      `${path} cannot be read (${error.code}). The path is relative to the module.`,
      mark,
    ),
  )
  if (mark.format !== 'bytes' && !isUtf16(bytes) && !foreignCiphertext(bytes) && !isUtf8(bytes))
    refuse(
      'FILE_UNREADABLE',
      `${path} is not encoded in UTF-8. Read its bytes: secret.file('${mark.argument}', 'bytes').`,
      mark,
    )
  return plaintextOf(mark, bytes)
}
