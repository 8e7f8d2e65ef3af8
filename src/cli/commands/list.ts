import type { Command } from '@commander-js/extra-typings'
import { existingSecretsFile } from '../../secrets-file/locate.js'
import { DEFAULT_SCOPE } from '../../secrets-file/names.js'
import type { SecretsFile } from '../../secrets-file/types.js'
import { describeKeys, keysOf } from '../../secrets/keys.js'
import { secretsOf } from '../../secrets/list.js'
import { EXIT } from '../support/exit-codes.js'
import { alarm, dim, note, print, printJson, warn } from '../support/output.js'
import {
  example,
  fileOption,
  jsonOption,
  secretsOptions,
  type SharedFlags,
} from '../support/shared-options.js'

export function addList(program: Command) {
  const command = program
    .command('list')
    .description(
      'List names, sizes and fingerprints, and the entries that are sealed to an earlier data key pair. Needs no AWS.',
    )
    .addOption(fileOption())
    .option('--keys', 'list the keys that decrypt, and the pin that covers them')
    .addOption(jsonOption('a list of { name, size, fingerprint, stale, scope? }'))
    .action(async (flags) => {
      const file = await existingSecretsFile(secretsOptions(flags))
      const recipients = await checkKeys(file, flags)
      if (flags.keys) return undefined
      const secrets = secretsOf(file)
      if (flags.json) return printJson(secrets)
      const width = Math.max(0, ...secrets.map(({ name }) => name.length))
      const scopes = new Set(secrets.map(({ scope = DEFAULT_SCOPE }) => scope))
      const scopeWidth = Math.max(0, ...[...scopes].map((scope) => scope.length))
      const scopeColumn = (scope: string) =>
        scopes.size > 1 || !scopes.has(DEFAULT_SCOPE) ? `  ${scope.padEnd(scopeWidth)}` : ''
      const lines = secrets.map(
        ({ name, size, fingerprint, stale, scope = DEFAULT_SCOPE }) =>
          `${name.padEnd(width)}  ${String(size).padStart(7)} B  ${dim(fingerprint)}${scopeColumn(scope)}${stale ? alarm('  stale') : ''}`,
      )
      if (lines.length) print(lines.join('\n'))
      else note('no entries yet: npx unplugin-kms set NAME adds one')
      for (const recipient of recipients) print(`recovery: ${recipient} decrypts without KMS`)
      if (secrets.some(({ stale }) => stale))
        note(
          'stale entries are sealed to an earlier key pair: npx unplugin-kms rotate seals them again',
        )
      return undefined
    })
  example(command, 'npx unplugin-kms list --file kms-secrets.staging.json')
}

interface KeysFlags extends SharedFlags {
  keys?: true | undefined
  json?: true | undefined
}

/** Returns the recovery recipients. Warns, and makes the command fail, if the keys that decrypt are not the trusted ones. */
async function checkKeys(file: SecretsFile, flags: KeysFlags): Promise<string[]> {
  const keys = await keysOf(file)
  if (keys.problem) {
    warn(keys.problem)
    process.exitCode = EXIT.FINDINGS
  }
  const recipients = keys.dataKeyPairs.flatMap(({ recovery = [] }) => recovery)
  if (!flags.keys) return [...new Set(recipients)]
  if (flags.json) printJson(keys)
  else for (const line of [...describeKeys(keys), `pin ${keys.pin}`]) print(line)
  return []
}
