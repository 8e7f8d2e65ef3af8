import type { Command } from 'commander'
import { rm } from 'node:fs/promises'
import { KmsBuildError } from '../../errors.js'
import { count, note, print, printJson, warn } from '../support/output.js'
import { example, secretsOptions, withTrust, type FileFlags } from '../support/shared-options.js'
import { confirmed } from '../support/value.js'

interface Flags extends FileFlags {
  delete?: boolean
  json?: boolean
}

export function addImport(program: Command) {
  const command = withTrust(program.command('import'))
    .summary('seal the values of a dotenv file')
    .description('seal the values of a dotenv file; needs no AWS')
    .argument('<path>', 'the dotenv file')
    .argument('[name...]', 'only these of its variables')
    .option('--delete', 'delete the dotenv file afterwards')
    .option('--json', 'print { path, added, replaced, skipped }')
    .action(async (path: string, names: string[], flags: Flags) => {
      const { readDotenv } = await import('../../util/dotenv.js')
      const { setSecrets } = await import('../../secrets/set.js')
      const { values, empty, warnings: doubts } = await readDotenv(path)
      const missing = names.find((name) => !values.has(name))
      if (missing !== undefined)
        throw new KmsBuildError(
          'NAME_UNKNOWN',
          `${path} gives no value for ${missing}. Give one there, or leave the name out.`,
        )
      const chosen = new Map([...values].filter(([name]) => !names.length || names.includes(name)))
      if (!chosen.size)
        throw new KmsBuildError(
          'PLAINTEXT_EMPTY',
          `${path} gives no value to import. It has a line NAME=value for each.`,
        )

      const {
        path: secretsFile,
        result,
        warnings,
      } = await setSecrets(chosen, secretsOptions(flags))
      for (const warning of [...warnings, ...doubts]) warn(warning)
      if (empty.length && !names.length) note(`left out, since they are empty: ${empty.join(', ')}`)
      if (flags.json) printJson({ path: secretsFile, ...result, skipped: empty })
      else
        print(
          `sealed ${count(chosen.size, 'value')} into ${secretsFile}: ${result.added.length} added, ${result.replaced.length} replaced`,
        )
      // What was not sealed would be lost with the file.
      const whole = chosen.size === values.size && !doubts.length
      if (flags.delete && !whole)
        warn(`${path} was not deleted: not all that it holds was sealed as it stands`)
      else if (flags.delete ?? (whole && (await confirmed(`Delete ${path}?`, false)))) {
        await rm(path).then(
          () => note(`deleted ${path}; if it was ever committed, git history keeps it`),
          (error: NodeJS.ErrnoException) =>
            warn(`${path} is sealed but could not be deleted (${error.code}): delete it yourself`),
        )
      }
    })
  example(
    command,
    'npx unplugin-kms import .env --delete',
    'npx unplugin-kms import .env DB_PASSWORD STRIPE_KEY',
  )
}
