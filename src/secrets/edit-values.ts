import { isUtf8 } from 'node:buffer'
import { spawn } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { KmsBuildError } from '../errors.js'
import { editSecretsFile, type EditResult } from '../secrets-file/edit.js'
import { existingPath, existingSecretsFile, type SecretsOptions } from '../secrets-file/locate.js'
import { checkName } from '../secrets-file/names.js'
import type { SecretsFile } from '../secrets-file/parse.js'
import { currentPair, pairOf } from '../secrets-file/scopes.js'
import { dotenvLine, readDotenv, unambiguousValues } from '../util/dotenv.js'
import { withPrivateFolder } from '../util/private-file.js'
import { getSecrets } from './get.js'
import { checkValue, sealEntry } from './set.js'

export interface EditOptions extends SecretsOptions {
  /** The command of an editor. The path of the file is appended. */
  editor: string
  /** Called with the error of an edited file; returns whether to open the editor again. */
  again: (error: KmsBuildError) => Promise<boolean>
}

export interface ValueChanges {
  added: string[]
  replaced: string[]
  deleted: string[]
}

/**
 * Opens the values in an editor, as a dotenv file that only this user can read, and seals those that
 * changed. Values that a dotenv file cannot represent are not shown, and stay.
 *
 * @throws KmsBuildError ARGUMENT_INVALID if the editor fails, DOTENV_AMBIGUOUS, and what `getSecrets`
 *   and `setSecrets` throw; the secrets file is then unchanged.
 */
export async function editValues(options: EditOptions): Promise<EditResult<ValueChanges>> {
  await existingPath(options)
  const { path, secrets } = await existingSecretsFile(options)
  const names = [...secrets.keys()].sort()
  const before = new Map<string, string>()
  const lines = [
    `# ${path}`,
    '# Save and quit: changed values are sealed, deleted lines are deleted from the secrets file.',
    "# Write values in single quotes: NAME='value'.",
  ]
  for (const [name, bytes] of names.length ? await getSecrets(names, options) : []) {
    const value = Buffer.from(bytes)
    const line = isUtf8(value) ? dotenvLine(name, value.toString()) : undefined
    if (line === undefined) lines.push(`# ${name} cannot be shown here: use npx unplugin-kms set`)
    else {
      before.set(name, value.toString())
      lines.push(line)
    }
  }
  const after = await withPrivateFolder(async (folder) => {
    const file = join(folder, 'secrets.env')
    await writeFile(file, `${lines.join('\n')}\n`, { mode: 0o600 })
    for (;;) {
      await runEditor(options.editor, file)
      try {
        return await readEdited(file, before)
      } catch (error) {
        if (!(error instanceof KmsBuildError) || !(await options.again(error))) throw error
      }
    }
  })
  return seal(before, after, options)
}

/** Reads the edited file. Values that were not changed are not sealed, and so not checked. */
async function readEdited(path: string, before: Map<string, string>): Promise<Map<string, string>> {
  const file = await readDotenv(path)
  const values = unambiguousValues(file)
  const problem = file.warnings[0] ?? (file.empty.length && `${file.empty[0]} is empty.`)
  if (problem)
    throw new KmsBuildError('DOTENV_AMBIGUOUS', `the edited file: ${problem.replace(path, 'line')}`)
  for (const [name, value] of values) {
    if (before.get(name) === value) continue
    checkName(name)
    checkValue(name, value)
  }
  return values
}

function seal(before: Map<string, string>, after: Map<string, string>, options: SecretsOptions) {
  const added = [...after.keys()].filter((name) => !before.has(name))
  const replaced = [...after].filter(
    ([name, value]) => before.has(name) && before.get(name) !== value,
  )
  const deleted = [...before.keys()].filter((name) => !after.has(name))
  const result = { added, replaced: replaced.map(([name]) => name), deleted }
  if (!added.length && !replaced.length && !deleted.length)
    return existingPath(options).then((path) => ({ path, result, warnings: [] }))
  return editSecretsFile(options, 'check', async (file) => {
    for (const name of [...added, ...result.replaced])
      await sealEntry(file, name, Buffer.from(after.get(name)!), scopeOfEntry(file, name))
    for (const name of deleted) file.secrets.delete(name)
    return result
  })
}

/** Returns the scope of an entry; a new one belongs to the scope that `set` seals to. */
function scopeOfEntry(file: SecretsFile, name: string): string {
  const token = file.secrets.get(name)
  return token ? pairOf(file, token).scope : currentPair(file).scope
}

/** Runs an editor in the terminal of this process and waits for it to exit. */
function runEditor(editor: string, path: string): Promise<void> {
  const child =
    process.platform === 'win32'
      ? spawn(`${editor} "${path}"`, { stdio: 'inherit', shell: true })
      : spawn('sh', ['-c', `${editor} "$1"`, 'sh', path], { stdio: 'inherit' })
  return new Promise((resolve, reject) => {
    const fail = (reason: string) =>
      reject(
        new KmsBuildError(
          'ARGUMENT_INVALID',
          `the editor ${editor} ${reason}. Nothing was changed. Set EDITOR to another editor.`,
        ),
      )
    child.once('error', (error) => fail(`cannot be started (${error.message})`))
    child.once('exit', (code) => (code === 0 ? resolve() : fail(`ended with ${code}`)))
  })
}
