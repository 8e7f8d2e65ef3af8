import { readFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { KmsBuildError } from '../errors.js'
import { git } from '../util/git.js'
import { replaceFile } from '../util/replace-file.js'

const NAME = 'unplugin-kms'

/**
 * Makes git merge a secrets file with `unplugin-kms merge`: a line in the .gitattributes beside the
 * file, which is committed, and the driver in the repository's own config, which each clone needs.
 *
 * @returns the .gitattributes' path.
 * @throws KmsBuildError ARGUMENT_INVALID outside a git repository, FILE_UNWRITABLE.
 */
export async function installMergeDriver(secretsFile: string): Promise<string> {
  const folder = dirname(secretsFile)
  const driver = await git(folder, [
    'config',
    `merge.${NAME}.driver`,
    'npx unplugin-kms merge %O %A %B %P',
  ])
  if (driver === null)
    throw new KmsBuildError(
      'ARGUMENT_INVALID',
      `${folder} is in no git repository, so no merge driver can be installed. Run git init first.`,
    )
  await git(folder, ['config', `merge.${NAME}.name`, 'secrets files, entry by entry'])

  const attributes = join(folder, '.gitattributes')
  const line = `${basename(secretsFile).replaceAll(' ', '[[:space:]]')} merge=${NAME}`
  const present = await readFile(attributes, 'utf8').catch(() => '')
  if (present.split(/\r?\n/).includes(line)) return attributes
  const separator = present === '' || present.endsWith('\n') ? '' : '\n'
  await replaceFile(attributes, `${present}${separator}${line}\n`)
  return attributes
}
