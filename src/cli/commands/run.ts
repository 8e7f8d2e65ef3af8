import type { Command } from '@commander-js/extra-typings'
import { note, waiting } from '../support/output.js'
import {
  example,
  fileOption,
  profileOption,
  regionOption,
  secretsOptions,
} from '../support/shared-options.js'

export function addRun(program: Command) {
  const command = program
    .command('run')
    .description(
      'Run a command with the secrets in its environment, and nowhere else. Needs kms:Decrypt, once. The exit code is that of the command.',
    )
    .usage('[options] -- COMMAND [ARGUMENT…]')
    .argument('<command...>')
    .option('--only <name...>', 'entries to decrypt (default: all whose names can be variables)')
    .addOption(fileOption())
    .addOption(regionOption())
    .addOption(profileOption())
    .action(async (commandLine, flags) => {
      const { environmentOf } = await import('../../secrets/environment.js')
      const { runChild } = await import('@unplugin-kms/local-kms')
      const { variables, skipped } = await waiting('asking KMS', () =>
        environmentOf(flags.only, secretsOptions(flags)),
      )
      if (skipped.length)
        note(`not in the environment: ${skipped.join(', ')} (--only NAME adds one that can be)`)
      process.exitCode = await runChild(commandLine, variables, note)
    })
  example(
    command,
    'npx unplugin-kms run -- npm start',
    'npx unplugin-kms run --only DB_PASSWORD -- psql',
  )
}
