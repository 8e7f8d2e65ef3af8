import type { Command } from '@commander-js/extra-typings'
import { isUtf8 } from 'node:buffer'
import { print, printJson, waiting } from '../support/output.js'
import {
  example,
  fileOption,
  jsonOption,
  profileOption,
  regionOption,
  secretsOptions,
} from '../support/shared-options.js'

export function addGet(program: Command) {
  const command = program
    .command('get')
    .description(
      'Print a value and nothing else, or several as JSON by name. Needs kms:Decrypt, once.',
    )
    .argument('<name...>')
    .option('--recovery <file>', 'decrypt with this age identity file, without KMS')
    .addOption(fileOption())
    .addOption(regionOption())
    .addOption(profileOption())
    .addOption(jsonOption('{ name, value }, or { name, base64 } for bytes; several names: a list'))
    .action(async (names, flags) => {
      const { getSecrets } = await import('../../secrets/get.js')
      const values = await waiting('asking KMS', () =>
        getSecrets(names, {
          ...secretsOptions(flags),
          ...(flags.recovery !== undefined && { recovery: flags.recovery }),
        }),
      )
      const entries = [...values].map(([name, bytes]) => ({
        name,
        ...(isUtf8(bytes)
          ? { value: Buffer.from(bytes).toString() }
          : { base64: Buffer.from(bytes).toString('base64') }),
      }))
      if (flags.json) return printJson(names.length === 1 ? entries[0] : entries)
      if (names.length > 1) {
        return printJson(
          Object.fromEntries(
            entries.map(({ name, ...rest }) => [name, 'value' in rest ? rest.value : rest]),
          ),
        )
      }
      process.stdout.write([...values.values()][0]!)
      // A terminal's next prompt begins a line of its own; a pipe gets the bytes alone.
      return process.stdout.isTTY ? print('') : undefined
    })
  example(
    command,
    'PGPASSWORD="$(npx unplugin-kms get DB_PASSWORD)" psql',
    'npx unplugin-kms get DB_USER DB_PASSWORD',
  )
}
