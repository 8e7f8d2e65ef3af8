import type { Command } from 'commander'
import { print, waiting, warn } from '../support/output.js'
import {
  example,
  secretsOptions,
  withAws,
  withTrust,
  type AwsFlags,
  type FileFlags,
} from '../support/shared-options.js'

export function addRename(program: Command) {
  const command = withAws(withTrust(program.command('rename')))
    .summary('give an entry another name')
    .description('give an entry another name, to which it is sealed anew; needs kms:Decrypt')
    .argument('<old>')
    .argument('<new>')
    .action(async (from: string, to: string, flags: FileFlags & AwsFlags) => {
      const { renameSecret } = await import('../../secrets/rename.js')
      const { path, warnings } = await waiting('asking KMS', () =>
        renameSecret(from, to, secretsOptions(flags)),
      )
      warnings.forEach(warn)
      print(`renamed ${from} to ${to} in ${path}`)
    })
  example(command, 'npx unplugin-kms rename STRIPE STRIPE_KEY')
}
