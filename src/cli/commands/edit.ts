import type { Command } from '@commander-js/extra-typings'
import { complain, print, printJson, warn } from '../support/output.js'
import {
  example,
  fileOption,
  jsonOption,
  profileOption,
  regionOption,
  secretsOptions,
  trustOption,
} from '../support/shared-options.js'
import { confirmed } from '../support/value.js'

export function addEdit(program: Command) {
  const command = program
    .command('edit')
    .description(
      'Edit the values in $VISUAL or $EDITOR, as a dotenv file that is removed afterwards, and seal those that changed. Needs kms:Decrypt.',
    )
    .addOption(fileOption())
    .addOption(trustOption())
    .addOption(regionOption())
    .addOption(profileOption())
    .addOption(jsonOption('{ path, added, replaced, deleted }'))
    .action(async (flags) => {
      const { editValues } = await import('../../secrets/edit-values.js')
      const { VISUAL, EDITOR } = process.env
      const { path, result, warnings } = await editValues({
        ...secretsOptions(flags),
        editor: VISUAL || EDITOR || (process.platform === 'win32' ? 'notepad' : 'vi'),
        again: async (error) => {
          // Without a terminal nobody is asked, and the error ends the command.
          if (!process.stdin.isTTY || !process.stderr.isTTY) return false
          complain(error.message)
          return confirmed('Edit again?', false)
        },
      })
      warnings.forEach(warn)
      if (flags.json) return printJson({ path, ...result })
      const changes = [
        ...result.added.map((name) => `added ${name}`),
        ...result.replaced.map((name) => `replaced ${name}`),
        ...result.deleted.map((name) => `deleted ${name}`),
      ]
      return print(changes.length ? `${changes.join('\n')}\nin ${path}` : `${path} is unchanged`)
    })
  example(command, 'EDITOR="code --wait" npx unplugin-kms edit')
}
