import type { Command } from 'commander'
import { print, warn } from '../support/output.js'
import { example, secretsOptions, withFile, type FileFlags } from '../support/shared-options.js'

export function addUnset(program: Command) {
  const command = withFile(program.command('unset'))
    .summary('delete an entry')
    .description('delete an entry; needs no AWS')
    .argument('<name>')
    .action(async (name: string, flags: FileFlags) => {
      const { unsetSecret } = await import('../../secrets/unset.js')
      const { path, warnings } = await unsetSecret(name, secretsOptions(flags))
      warnings.forEach(warn)
      print(`deleted ${name} from ${path}; git history keeps its token`)
    })
  example(command, 'npx unplugin-kms unset OLD_API_KEY')
}
