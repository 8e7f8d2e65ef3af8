import { readFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { KmsBuildError } from '../errors.js'
import { git } from '../util/git.js'
import { replaceFile } from '../util/replace-file.js'

const NAME = 'unplugin-kms'

/**
 * Makes git merge a secrets file with `unplugin-kms merge`. Adds a line to the .gitattributes next to the
 * file, which is committed, and a driver to the repository's configuration, which each clone needs.
 *
 * @returns the path of the .gitattributes.
 * @throws KmsBuildError ARGUMENT_INVALID outside a git repository, FILE_UNWRITABLE.
 */
export async function installMergeDriver(secretsFile: string): Promise<string> {
  await configure(secretsFile, `merge.${NAME}.driver`, 'npx unplugin-kms merge %O %A %B %P')
  await configure(secretsFile, `merge.${NAME}.name`, 'secrets files, entry by entry')
  return addAttribute(secretsFile, `merge=${NAME}`)
}

/** Makes git diff show a secrets file with `unplugin-kms textconv`; see `installMergeDriver`. */
export async function installTextconv(secretsFile: string): Promise<string> {
  await configure(secretsFile, `diff.${NAME}.textconv`, 'npx unplugin-kms textconv')
  return addAttribute(secretsFile, `diff=${NAME}`)
}

async function configure(secretsFile: string, key: string, value: string): Promise<void> {
  const folder = dirname(secretsFile)
  if ((await git(folder, ['config', key, value])) === null)
    throw new KmsBuildError(
      'ARGUMENT_INVALID',
      `${folder} is not in a git repository, so git cannot be configured. Run git init first.`,
    )
}

async function addAttribute(secretsFile: string, attribute: string): Promise<string> {
  const attributes = join(dirname(secretsFile), '.gitattributes')
  const line = `${basename(secretsFile).replaceAll(' ', '[[:space:]]')} ${attribute}`
  const present = await readFile(attributes, 'utf8').catch(() => '')
  if (present.split(/\r?\n/).includes(line)) return attributes
  const separator = present === '' || present.endsWith('\n') ? '' : '\n'
  await replaceFile(attributes, `${present}${separator}${line}\n`)
  return attributes
}
