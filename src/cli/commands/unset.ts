import type { Command } from '@commander-js/extra-typings'
import { print, warn } from '../support/output.js'
import { example, fileOption, secretsOptions } from '../support/shared-options.js'

export function addUnset(program: Command) {
  const command = program
    .command('unset')
    .description('Delete an entry. Needs no AWS.')
    .argument('<name>')
    .addOption(fileOption())
    .action(async (name, flags) => {
      const { unsetSecret } = await import('../../secrets/unset.js')
      const { path, warnings } = await unsetSecret(name, secretsOptions(flags))
      warnings.forEach(warn)
      print(`deleted ${name} from ${path}; git history keeps its token`)
    })
  example(command, 'npx unplugin-kms unset OLD_API_KEY')
}
