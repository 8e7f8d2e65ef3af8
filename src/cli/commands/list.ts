import type { Command } from 'commander'
import { alarm, dim, note, print, printJson } from '../support/output.js'
import { example, secretsOptions, withFile, type FileFlags } from '../support/shared-options.js'

export function addList(program: Command) {
  const command = withFile(program.command('list'))
    .summary('show names, sizes and fingerprints')
    .description(
      'show names, sizes and fingerprints, and which entries an earlier key pair sealed; needs no AWS',
    )
    .option('--json', 'print a list of { name, size, fingerprint, stale }')
    .action(async (flags: FileFlags & { json?: boolean }) => {
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
          'stale entries are sealed to an earlier key pair: npx unplugin-kms rotate seals them anew',
        )
    })
  example(command, 'npx unplugin-kms list --file kms-secrets.staging.json')
}
