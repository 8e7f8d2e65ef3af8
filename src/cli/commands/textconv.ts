import { createHash } from 'node:crypto'
import type { Command } from '@commander-js/extra-typings'
import { plain, print } from '../support/output.js'
import { example, fileOption, secretsOptions } from '../support/shared-options.js'

export function addTextconv(program: Command) {
  const command = program
    .command('textconv')
    .description(
      'Print the names, sizes and generations of a secrets file, for git diff. Needs no AWS.',
    )
    .argument('[path]', 'secrets file')
    .option('--install', 'configure this clone of the repository')
    .addOption(fileOption())
    .action(async (path, flags) => {
      if (flags.install) {
        const { secretsFilePath } = await import('../../secrets-file/locate.js')
        const { installTextconv } = await import('../../secrets/merge-driver.js')
        const attributes = await installTextconv(secretsFilePath(secretsOptions(flags)))
        return print(`git diff shows names in this clone; commit ${attributes}`)
      }
      const { existingSecretsFile } = await import('../../secrets-file/locate.js')
      const { entrySize, entryText } = await import('../../secrets-file/entry-token.js')
      const options = path === undefined ? secretsOptions(flags) : { secretsFile: path }
      const { pairs, secrets } = await existingSecretsFile(options)
      for (const [fingerprint, { wrapped, encryptionContext }] of pairs)
        print(
          plain(
            `data key pair ${fingerprint}  ${wrapped.map(({ keyId }) => keyId).join(' ')}  ${JSON.stringify(encryptionContext)}`,
          ),
        )
      for (const [name, token] of [...secrets].sort(([a], [b]) => (a < b ? -1 : 1))) {
        const version = createHash('sha256').update(entryText(token)).digest('hex').slice(0, 8)
        print(
          plain(`${name}  ${entrySize(token)} B  pair ${token.fingerprint}  version ${version}`),
        )
      }
    })
  example(command, 'npx unplugin-kms textconv --install')
}
