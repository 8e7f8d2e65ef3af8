import type { Command } from 'commander'
import { waiting } from './output.js'
import {
  awsOptions,
  example,
  secretsOptions,
  withAws,
  withFile,
  type AwsFlags,
  type FileFlags,
} from './shared-options.js'

export function addGet(program: Command) {
  const command = withAws(withFile(program.command('get')))
    .summary('print one value')
    .description('print one value and nothing else; needs kms:Decrypt')
    .argument('<name>')
    .option('--json', 'print { name, value }, or { name, base64 } for what is no text')
    .action(async (name: string, flags: FileFlags & AwsFlags & { json?: boolean }) => {
      const { getSecret } = await import('../secrets/get.js')
      const bytes = Buffer.from(
        await waiting('asking KMS', () =>
          getSecret(name, { ...secretsOptions(flags), ...awsOptions(flags) }),
        ),
      )
      const text = bytes.toString('utf8')
      const isText = Buffer.from(text).equals(bytes)
      if (flags.json)
        process.stdout.write(
          `${JSON.stringify({ name, ...(isText ? { value: text } : { base64: bytes.toString('base64') }) })}\n`,
        )
      // A terminal's next prompt begins a line of its own; a pipe gets the bytes alone.
      else
        process.stdout.write(
          process.stdout.isTTY ? Buffer.concat([bytes, Buffer.from('\n')]) : bytes,
        )
    })
  example(command, 'PGPASSWORD="$(npx unplugin-kms get DB_PASSWORD)" psql')
}
