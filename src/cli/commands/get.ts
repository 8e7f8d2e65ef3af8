import { isUtf8 } from 'node:buffer'
import type { Command } from 'commander'
import { print, printJson, waiting } from '../support/output.js'
import {
  example,
  secretsOptions,
  withAws,
  withFile,
  type AwsFlags,
  type FileFlags,
} from '../support/shared-options.js'

export function addGet(program: Command) {
  const command = withAws(withFile(program.command('get')))
    .summary('print one value')
    .description('print one value and nothing else; needs kms:Decrypt')
    .argument('<name>')
    .option('--json', 'print { name, value }, or { name, base64 } for what is no text')
    .action(async (name: string, flags: FileFlags & AwsFlags & { json?: boolean }) => {
      const { getSecret } = await import('../../secrets/get.js')
      const bytes = Buffer.from(
        await waiting('asking KMS', () => getSecret(name, secretsOptions(flags))),
      )
      if (flags.json)
        return printJson({
          name,
          ...(isUtf8(bytes) ? { value: bytes.toString() } : { base64: bytes.toString('base64') }),
        })
      process.stdout.write(bytes)
      // A terminal's next prompt begins a line of its own; a pipe gets the bytes alone.
      if (process.stdout.isTTY) print('')
    })
  example(command, 'PGPASSWORD="$(npx unplugin-kms get DB_PASSWORD)" psql')
}
