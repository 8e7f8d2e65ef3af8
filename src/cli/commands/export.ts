import { isUtf8 } from 'node:buffer'
import { Option, type Command } from '@commander-js/extra-typings'
import { KmsBuildError } from '../../errors.js'
import { printJson, waiting } from '../support/output.js'
import {
  example,
  fileOption,
  profileOption,
  regionOption,
  secretsOptions,
} from '../support/shared-options.js'

export function addExport(program: Command) {
  const command = program
    .command('export')
    .description(
      'Print the values as a dotenv file, JSON or shell commands. Needs kms:Decrypt, once.',
    )
    .argument('[name...]', 'entries to print (default: all)')
    .addOption(
      new Option('--format <format>', 'dotenv (default), json or shell')
        .choices(['dotenv', 'json', 'shell'] as const)
        .default('dotenv' as const),
    )
    .addOption(fileOption())
    .addOption(regionOption())
    .addOption(profileOption())
    .action(async (names, flags) => {
      const { getSecrets } = await import('../../secrets/get.js')
      const { existingSecretsFile } = await import('../../secrets-file/locate.js')
      const { dotenvLine } = await import('../../util/dotenv.js')
      const options = secretsOptions(flags)
      const wanted = names.length ? names : [...(await existingSecretsFile(options)).secrets.keys()]
      const values = await waiting('asking KMS', () => getSecrets(wanted, options))
      const entries = [...values].map(([name, bytes]) => [name, Buffer.from(bytes)] as const)
      if (flags.format === 'json')
        return printJson(
          Object.fromEntries(
            entries.map(([name, value]) => [
              name,
              isUtf8(value) ? value.toString() : { base64: value.toString('base64') },
            ]),
          ),
        )
      const write = flags.format === 'shell' ? shellLine : dotenvLine
      const lines = entries.map(
        ([name, value]) =>
          (isUtf8(value) ? write(name, value.toString()) : undefined) ??
          cannotWrite(name, flags.format),
      )
      // As they are: `print` escapes control characters.
      process.stdout.write(lines.map((line) => `${line}\n`).join(''))
      return undefined
    })
  example(
    command,
    'npx unplugin-kms export --format json > /dev/shm/secrets.json',
    'eval "$(npx unplugin-kms export DB_PASSWORD --format shell)"',
  )
}

const shellLine = (name: string, value: string): string | undefined =>
  /^[A-Za-z_]\w*$/.test(name) && !value.includes('\0')
    ? `export ${name}='${value.replaceAll("'", `'\\''`)}'`
    : undefined

function cannotWrite(name: string, format: string): never {
  throw new KmsBuildError(
    'ARGUMENT_INVALID',
    `${name} cannot be written in the format ${format} without changing it. Use --format json, or name the entries to print.`,
  )
}
