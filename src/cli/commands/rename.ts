import type { Command } from '@commander-js/extra-typings'
import { print, waiting, warn } from '../support/output.js'
import {
  example,
  fileOption,
  profileOption,
  regionOption,
  secretsOptions,
  trustOption,
} from '../support/shared-options.js'

export function addRename(program: Command) {
  const command = program
    .command('rename')
    .description('Rename an entry: seal it again under another name. Needs kms:Decrypt.')
    .argument('<old>')
    .argument('<new>')
    .addOption(fileOption())
    .addOption(trustOption())
    .addOption(regionOption())
    .addOption(profileOption())
    .action(async (from, to, flags) => {
      const { renameSecret } = await import('../../secrets/rename.js')
      const { path, warnings } = await waiting('asking KMS', () =>
        renameSecret(from, to, secretsOptions(flags)),
      )
      warnings.forEach(warn)
      print(`renamed ${from} to ${to} in ${path}`)
    })
  example(command, 'npx unplugin-kms rename STRIPE STRIPE_KEY')
}
