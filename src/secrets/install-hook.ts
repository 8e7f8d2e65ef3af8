import { existsSync } from 'node:fs'
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { KmsBuildError } from '../errors.js'
import { git } from '../util/git.js'

const COMMAND = 'npx unplugin-kms scan --staged'
const LEFTHOOK = ['lefthook.yml', 'lefthook.yaml', '.lefthook.yml', '.lefthook.yaml']

/**
 * Makes git run `scan --staged` before each commit: with husky or lefthook if the repository uses one
 * of them, else with a git hook.
 *
 * @returns the file that was changed, or what to add to it by hand.
 * @throws KmsBuildError ARGUMENT_INVALID outside a git repository.
 */
export async function installHook(folder: string): Promise<{ path: string; add?: string }> {
  const root = (await git(folder, ['rev-parse', '--show-toplevel']))?.trim()
  if (!root)
    throw new KmsBuildError(
      'ARGUMENT_INVALID',
      `${resolve(folder)} is not in a git repository. Run git init first.`,
    )
  const lefthook = LEFTHOOK.map((name) => join(root, name)).find((path) => existsSync(path))
  if (lefthook) return addToLefthook(lefthook)
  const husky = join(root, '.husky')
  if (existsSync(husky)) return addToScript(join(husky, 'pre-commit'), '')
  const hooks = (await git(root, ['rev-parse', '--git-path', 'hooks']))?.trim() ?? '.git/hooks'
  return addToScript(join(resolve(root, hooks), 'pre-commit'), '#!/bin/sh\n')
}

async function addToScript(path: string, start: string): Promise<{ path: string; add?: string }> {
  const present = await readFile(path, 'utf8').catch(() => start)
  if (present.includes(COMMAND)) return { path }
  if (/^#!(?!.*\b(?:ba|z|da)?sh\b)/.test(present)) return { path, add: COMMAND }
  const separator = present === '' || present.endsWith('\n') ? '' : '\n'
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, `${present}${separator}${COMMAND} || exit 1\n`)
  await chmod(path, 0o755)
  return { path }
}

async function addToLefthook(path: string): Promise<{ path: string; add?: string }> {
  const present = await readFile(path, 'utf8')
  if (present.includes(COMMAND)) return { path }
  const add = `pre-commit:\n  commands:\n    unplugin-kms:\n      run: ${COMMAND}\n`
  // A second key of that name would replace the first.
  if (/^pre-commit:/m.test(present)) return { path, add }
  await writeFile(path, `${present}${present.endsWith('\n') ? '' : '\n'}${add}`)
  return { path }
}
