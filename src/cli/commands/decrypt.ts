import type { Command } from '@commander-js/extra-typings'
import { note, waiting } from '../support/output.js'
import {
  example,
  fileOption,
  jsonOption,
  profileOption,
  regionOption,
  secretsOptions,
} from '../support/shared-options.js'
import { report } from './encrypt.js'

export function addDecrypt(program: Command) {
  const command = program
    .command('decrypt')
    .description('Turn sealed literals back into plaintext, in place. Needs kms:Decrypt.')
    .argument('<path...>', 'source files, or folders of them')
    .addOption(fileOption())
    .addOption(regionOption())
    .addOption(profileOption())
    .addOption(jsonOption('a list of { path, places }'))
    .action(async (paths, flags) => {
      const { decryptSources } = await import('../../secrets/decrypt.js')
      const { changed } = await waiting('asking KMS', () =>
        decryptSources(paths, secretsOptions(flags)),
      )
      report(changed, flags.json, 'decrypted')
      if (changed.length)
        note(
          'the sources contain plaintexts now: do not commit them; npx unplugin-kms encrypt seals them again',
        )
    })
  example(command, 'npx unplugin-kms decrypt src/payment.ts')
}
