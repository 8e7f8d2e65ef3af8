import type { Command } from '@commander-js/extra-typings'
import { alarm, dim, note, print, printJson } from '../support/output.js'
import { example, fileOption, jsonOption, secretsOptions } from '../support/shared-options.js'

export function addList(program: Command) {
  const command = program
    .command('list')
    .summary('List names, sizes and fingerprints')
    .description(
      'List names, sizes and fingerprints, and the entries that are sealed to an earlier data key pair. Needs no AWS.',
    )
    .addOption(fileOption())
    .addOption(jsonOption('a list of { name, size, fingerprint, stale }'))
    .action(async (flags) => {
      const { listSecrets } = await import('../../secrets/list.js')
      const secrets = await listSecrets(secretsOptions(flags))
      if (flags.json) return printJson(secrets)
      const width = Math.max(0, ...secrets.map(({ name }) => name.length))
      const lines = secrets.map(
        ({ name, size, fingerprint, stale }) =>
          `${name.padEnd(width)}  ${String(size).padStart(7)} B  ${dim(fingerprint)}${stale ? alarm('  stale') : ''}`,
      )
      if (lines.length) print(lines.join('\n'))
      else note('no entries yet: npx unplugin-kms set NAME adds one')
      if (secrets.some(({ stale }) => stale))
        note(
          'stale entries are sealed to an earlier key pair: npx unplugin-kms rotate seals them again',
        )
    })
  example(command, 'npx unplugin-kms list --file kms-secrets.staging.json')
}
