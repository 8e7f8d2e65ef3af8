import type { Command } from 'commander'
import { note, waiting } from '../support/output.js'
import {
  example,
  secretsOptions,
  withAws,
  withFile,
  type AwsFlags,
  type FileFlags,
} from '../support/shared-options.js'
import { report } from './encrypt.js'

export function addDecrypt(program: Command) {
  const command = withAws(withFile(program.command('decrypt')))
    .summary('turn sealed literals back into plaintext')
    .description('turn sealed literals back into plaintext, in place; needs kms:Decrypt')
    .argument('<path...>', 'source files, or folders of them')
    .option('--json', 'print a list of { path, places }')
    .action(async (paths: string[], flags: FileFlags & AwsFlags & { json?: boolean }) => {
      const { decryptSources } = await import('../../secrets/decrypt.js')
      const { changed } = await waiting('asking KMS', () =>
        decryptSources(paths, secretsOptions(flags)),
      )
      report(changed, flags.json, 'opened')
      if (changed.length)
        note(
          'plaintexts stand in the sources now: npx unplugin-kms encrypt seals them again; do not commit them',
        )
    })
  example(command, 'npx unplugin-kms decrypt src/payment.ts')
}
